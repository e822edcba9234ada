"""`make demo`: one model's life, told on a local cloud, each step verified by reading the world.

`run.py` is the command, `story.py` the ten steps in order, told by `telling.py`. A step does something as a
person would (`author.py`, `approver.py`, `load.py`) and then verifies it by what `world.py` reads.
"""
