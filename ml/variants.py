"""Five recipes, from a first try to a good model, so that promotions of better and worse ones can be shown.

Their order is their quality on the held-out rows, `forgetful` aside, which is worse than all others.
"""

from __future__ import annotations

from ml.src.titanic.train import Recipe

VARIANTS = {
    "modest": Recipe(kind="logistic", features="sex,age"),  # women and children first
    "better": Recipe(kind="logistic", features="pclass,sex,age,sibsp,parch"),
    "forgetful": Recipe(
        kind="logistic", features="age,fare,embarked"
    ),  # nobody noticed that sex was left out
    "good": Recipe(kind="forest", depth=6, trees=40),
    "best": Recipe(kind="boosting", depth=2),
}
