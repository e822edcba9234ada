"""Every world, walked. Start here.

- axes.py        WHICH WORLDS: each axis of the abstract world as a small enumeration
- scenes.py      which combinations of rows are walked; every pruning with its reason
- outside.py     which values each fact of the outside can have; every pruning with its reason
- build.py       an abstract scene -> the rows and the setting that `decide` is given
- invariants.py  WHICH INVARIANTS: a table of about_*.py, predicates on (world, what is decided in it)
- moment.py      such a pair, with the words that the predicates use
- walk.py        the walk itself: all scenes, and for each all facts that the decision asks for
- reading.py     which worlds are alike in all that was read of them: one is decided, for all
- platform.py    an abstract Azure ML: what an action does to it; meanwhile.py: what happens without us
- courses.py     what follows from a decision: the rows after its commit, or after each outcome of its call
- reach.py       the worlds that are reached from the start; rest.py: how soon each comes to rest
- guard.py       the traffic guard against an independent statement of S2 and S3
- *_by_hand.py, about_hand.py   the same for an operator's orders, in a walk of their own
- mutants.py     the goals and the guard with one thing wrong: the walk must notice each

`decide` looks at the world only through `World`, and asks for each fact by raising `Unseen`. The walk answers
with every value the fact can have; a fact that is not asked for cannot matter. So what is counted are
decisions: each stands for all worlds that agree on the facts it asked for. An endpoint is a fact of many
parts: what nobody read of it, neither the decision nor an invariant, cannot matter either (reading.py).
`python -m bench enumeration` decides each of them nevertheless.
"""
