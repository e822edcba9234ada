"""`greenlight doctor`: is everything there that the product needs, and as it needs it?

Facts in, findings out: `look_*` fetch facts through the ports, every other module here is pure. The function
app never loads any of it.
"""
