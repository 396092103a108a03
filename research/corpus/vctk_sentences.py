# SPDX-License-Identifier: GPL-3.0-or-later
"""What VCTK's recordings 003 to 024 say: the first texts are the same for all its speakers.

They are the elicitation paragraph of the Speech Accent Archive and the rainbow passage (Fairbanks, Voice and
Articulation Drillbook), which phoneticians have had people read for decades. Recognised words are wrong in places;
these are not.
"""

from __future__ import annotations

SENTENCES: dict[int, str] = {
    3: "six spoons of fresh snow peas five thick slabs of blue cheese and maybe a snack for her brother bob",
    5: "she can scoop these things into three red bags and we will go meet her wednesday at the train station",
    8: "these take the shape of a long round arch with its path high above and its two ends apparently "
    "beyond the horizon",
    11: "when a man looks for something beyond his reach his friends say he is looking for the pot of gold at "
    "the end of the rainbow",
    16: "the norse men considered the rainbow as a bridge over which the gods passed from earth to their home "
    "in the sky",
    19: "since then physicists have found that it is not reflection but refraction by the raindrops which "
    "causes the rainbows",
    20: "many complicated ideas about the rainbow have been formed",
    21: "the difference in the rainbow depends considerably upon the size of the drops and the width of the "
    "colored band increases as the size of the drops increases",
    22: "the actual primary rainbow observed is said to be the effect of super imposition of a number of bows",
    23: "if the red of the second bow falls upon the green of the first the result is to give a bow with an "
    "abnormally wide yellow band since red and green light when mixed form yellow",
    24: "this is a very common type of bow one showing mainly red and yellow with little or no green or blue",
}


def vctk_sentence(stem: str) -> str | None:
    """The words of a recording such as ``p225_003``; None for those that only one speaker reads."""
    number = stem.partition("_")[2]
    return SENTENCES.get(int(number)) if number.isdigit() else None
