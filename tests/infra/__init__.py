"""Checks of infra/: does every Bicep file say what Azure understands, and what the code beside it says?"""
