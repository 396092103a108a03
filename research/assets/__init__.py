# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the shipped assets (basis, demo head, demo inputs), for developers: imports core and ``research.corpus``."""
