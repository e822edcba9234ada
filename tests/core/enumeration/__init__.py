"""Every world, walked. Start here.

- axes.py        WHICH WORLDS: each axis of the abstract world as a small enumeration
- scenes.py      which combinations of rows are walked; every pruning with its reason
- outside.py     which values each fact of the outside can have; every pruning with its reason
- build.py       an abstract scene -> the rows and the setting that `decide` is given
- invariants.py  WHICH INVARIANTS: a table of about_*.py, predicates on (world, what is decided in it)
- moment.py      such a pair, with the words that the predicates use
- walk.py        the walk itself: all scenes, and for each all facts that the decision asks for
- platform.py    an abstract Azure ML: what an action does to it, and what it does by itself
- reach.py       the worlds that are reached from the start, and how soon each comes to rest
- guard.py       the traffic guard against an independent statement of S2 and S3
- worlds_by_hand.py, about_hand.py   the same for an operator's orders, in a walk of their own
- mutants.py     the goals and the guard with one thing wrong: the walk must notice each

`decide` looks at the world only through `World`, and asks for each fact by raising `Unseen`. The walk answers
with every value the fact can have; a fact that is not asked for cannot matter. So what is counted are
decisions: each stands for all worlds that agree on the facts it asked for.
"""
