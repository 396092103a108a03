# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line ``python -m core``, in either process: standard library at import, everything else when it runs."""
