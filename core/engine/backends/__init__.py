# SPDX-License-Identifier: GPL-3.0-or-later
"""One file per engine behind one interface, in the engine's process: networks are imported only when used."""
