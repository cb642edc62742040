"""How gated mails reach the mail server or provider, and what each answer proves."""
