"""What every page must pass at the widths of a phone and a desk, light and dark."""

import pytest

# The contrast of every text with what is behind it, WCAG 2.2: all that are below 4.5.
PALE = """(() => {
  const part = value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = rgb => 0.2126 * part(rgb[0] / 255) + 0.7152 * part(rgb[1] / 255) + 0.0722 * part(rgb[2] / 255);
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const found = numbers(getComputedStyle(node).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('body *')].filter(node => {
    const said = [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim());
    if (!said || !node.checkVisibility()) return false;
    const style = getComputedStyle(node), drawn = node instanceof SVGElement ? style.fill : style.color;
    const [one, other] = [light(numbers(drawn)), light(behind(node))].sort((a, b) => b - a);
    return (one + 0.05) / (other + 0.05) < 4.5;
  }).map(node => node.outerHTML.slice(0, 200));
})()"""


def at_every_look(test):
    """Run a test of `width` and `scheme` at each of them."""
    return pytest.mark.parametrize("width", [360, 1200])(pytest.mark.parametrize("scheme", ["light", "dark"])(test))


def check(browser, width):
    """The open page fits, its text is legible, and nothing was complained about."""
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value(PALE) == []
    assert browser.complaints() == []
