# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.demo``: one line of speech said in two people's ways, on the bundled head. See ``__main__``."""
