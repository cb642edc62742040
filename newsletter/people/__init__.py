"""The pages through which people come in, change their mind, and leave.

GET and HEAD change nothing here, since mail scanners open every link: each change is a POST from a page with
a button.
"""
