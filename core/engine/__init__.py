# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's process: worker, jobs, cache and pipeline; numpy at import, torch and media only when used."""
