# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a person in closed form, for the engine: gain, offset, likeness; numpy, no network."""
