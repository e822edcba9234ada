"""`python -m local.pictures`: the pictures of the README, taken from a real browser on a real local cloud.

It starts a cloud of its own, lets three models come to where there is something to see (a better version
asks, a worse one failed its gate, one was rejected), signs in through the sign-in page, and takes them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from local import browser as chromium
from local.appsettings import ROOT
from local.browser import Browser
from local.cloud import CloudError
from local.demo.place import choose
from local.demo.story import SOURCE, TARGET, Story
from local.demo.telling import Teller
from local.demo.waiting import NotSo

if TYPE_CHECKING:
    from local.demo.place import Place

IMAGES = ROOT / "docs" / "images"
LARGEST = 200 * 1024
SHARP = 1.2  # of the phone: every edge on a whole pixel, or the screens would be resampled
DESK, CHANNEL, PHONE, GAP = (1080, 800), (740, 800), (390, 840), 20


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port-base", type=int, default=None)
    parser.add_argument("--images", type=Path, default=IMAGES)
    options = parser.parse_args()
    if chromium.installed() is None:
        print("pictures: needs Chromium; on Debian: apt-get install chromium", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="gl-", ignore_cleanup_errors=True) as home:
        try:
            place = choose(Path(home), options.port_base, keep=False)
            try:
                place.start()
                _take(place, options.images)
            finally:
                place.stop()
        except (CloudError, NotSo) as error:
            print(f"pictures: {error}", file=sys.stderr)
            return 1
    return 0


def _take(place: Place, images: Path) -> None:
    images.mkdir(parents=True, exist_ok=True)
    asking = _something_to_see(place)
    with closing(asking.world), tempfile.TemporaryDirectory() as profile, Browser(Path(profile)) as browser:
        message = asking.world.message(asking.newest.version, TARGET) or {}
        _keep(_card(browser, place, message["id"], images))
        _sign_in(browser, place)
        _keep(_dashboard(browser, place, images))
        _keep(_review(browser, asking, images))


def _something_to_see(place: Place) -> Story:
    """Returns the story of the model that asks."""
    crew, boats, titanic = (Story(place, f"titanic{end}", Teller(0)) for end in ("-crew", "-lifeboats", ""))
    with closing(crew.world):
        _serve(crew, "better")
        crew.log_and_register("good")
        crew.asked()
        crew.decide("reject", "Not before the audit.")
        crew.ended(TARGET, "Rejected")
    with closing(boats.world):
        _serve(boats, "modest")
        boats.log_and_register("forgetful")
        boats.ended(SOURCE, "Failed")
    _serve(titanic, "modest")
    titanic.log_and_register("good")
    titanic.asked()
    return titanic


def _serve(story: Story, variant: str) -> None:
    story.log_and_register(variant)
    story.asked()
    story.decide("approve", "The first one; it may serve.")
    story.live(TARGET)


def _card(browser: Browser, place: Place, message: int, images: Path) -> Path:
    browser.screen(*CHANNEL, scale=1.5)
    browser.open(f"http://localhost:{place.config.port('teams')}/")
    card = f"#message-{message} .card"
    browser.wait_until(f"document.querySelector('{card} button') !== null")
    browser.picture(images / "card.png", card, margin=10)
    return images / "card.png"


def _sign_in(browser: Browser, place: Place) -> None:
    browser.open(place.config.front_url)
    browser.click("button[value=ana]")


def _dashboard(browser: Browser, place: Place, images: Path) -> Path:
    browser.screen(*DESK, scale=1.5)
    browser.open(place.config.front_url)
    browser.picture(images / "dashboard.png")
    return images / "dashboard.png"


def _review(browser: Browser, asking: Story, images: Path) -> Path:
    """The page's two ends beside each other, as a phone shows them: it is too long for one picture."""
    browser.screen(*PHONE, scale=SHARP)
    browser.open(asking.link)
    screens = [_screen(browser)]
    browser.run("window.scrollTo(0, document.body.scrollHeight)")
    screens.append(_screen(browser))
    width = 2 * PHONE[0] + 3 * GAP
    browser.screen(width, PHONE[1] + 2 * GAP, scale=SHARP)
    parts = "".join(f'<img width="{PHONE[0]}" src="data:image/png;base64,{screen}">' for screen in screens)
    style = (
        f"body {{ margin: {GAP}px; display: flex; gap: {GAP}px; background: #d7dbd9; width: max-content }}"
    )
    page = images / "review.html"
    page.write_text(f"<!doctype html><style>{style} img {{ border-radius: 14px }}</style>{parts}")
    browser.open(page.as_uri())
    browser.picture(images / "review.png", "html")
    page.unlink()
    return images / "review.png"


def _screen(browser: Browser) -> str:
    return str(browser.call("Page.captureScreenshot", format="png")["data"])


def _keep(path: Path) -> None:
    size = path.stat().st_size
    print(f"{path} {size // 1024} KB")
    if size > LARGEST:
        raise NotSo(f"{path.name} of at most {LARGEST // 1024} KB", f"{size // 1024} KB", path)


if __name__ == "__main__":
    sys.exit(main())
