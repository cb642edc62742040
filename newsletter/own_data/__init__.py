"""What readers do with what is stored of them: take it along, have it erased, move it to another address.

Only behind a link that was mailed to them within the hour, for the links in every mail get forwarded.
"""
