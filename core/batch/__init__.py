# SPDX-License-Identifier: GPL-3.0-or-later
"""Many results from one list: manifest, journal, retries, resume, summary. No bpy, no networks: runners make rows."""
