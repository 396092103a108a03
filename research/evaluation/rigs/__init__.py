# SPDX-License-Identifier: GPL-3.0-or-later
"""`make benchmark-rigs`: does a viewer see on other people's rigs what the motion says?"""
