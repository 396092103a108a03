# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.training people``: networks for one's own people, as a model pack."""
