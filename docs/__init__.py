"""What the documentation is made with, where it is made."""
