# SPDX-License-Identifier: GPL-3.0-or-later
"""Names for the 478 points of MediaPipe's refined face mesh (468 skin points, then 2 x 5 iris points).

Left and right are the person's own. Rings run around the opening they name.
"""

from __future__ import annotations

import numpy as np

LANDMARK_COUNT = 478
SKIN_COUNT = 468

LOWER_LIP_INNER = 14
MOUTH_CORNER_RIGHT = 61
MOUTH_CORNER_LEFT = 291
EYE_OUTER_RIGHT = 33
EYE_OUTER_LEFT = 263

OUTER_LIPS = np.array([61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185])
INNER_LIPS = np.array([78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191])
LIPS = np.concatenate([OUTER_LIPS, INNER_LIPS])
# three pairs across the middle of the mouth: their mean distance is less noisy than one pair
OPENING_PAIRS = np.array([[13, 14], [82, 87], [312, 317]])

EYE_RIGHT = np.array([33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246])
EYE_LEFT = np.array([263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466])
BROW_RIGHT = np.array([70, 63, 105, 66, 107, 55, 65, 52, 53, 46])
BROW_LEFT = np.array([300, 293, 334, 296, 336, 285, 295, 282, 283, 276])
# upper and lower lid above each other, the person's right eye then the left
LID_PAIRS = np.array([[159, 145], [158, 153], [386, 374], [385, 380]])
IRIS_RIGHT = np.array([468, 469, 470, 471, 472])
IRIS_LEFT = np.array([473, 474, 475, 476, 477])
FACE_OVAL = np.array(
    [
        *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148),
        *(176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
    ]
)
# skin over the bone of the chin: follows the jaw, hardly the lips
CHIN_POINTS = np.array([152, 148, 377, 176, 400, 175, 199, 171, 396, 208, 428, 149, 378])

# skin that speech hardly moves: forehead, temples, nose bridge, eye corners
STABLE = np.array(
    [
        *(10, 109, 338, 67, 297, 103, 332, 54, 284, 21, 251, 162, 389, 127, 356),
        *(151, 9, 8, 168, 6, 197, 195, 33, 133, 362, 263),
    ]
)
UPPER_FACE = np.concatenate([EYE_RIGHT, EYE_LEFT, BROW_RIGHT, BROW_LEFT])


def mouth_opening(landmarks: np.ndarray) -> np.ndarray:
    """Distance between the inner lips (..., ) for landmarks (..., 478, 3), in the landmarks' unit."""
    pairs = landmarks[..., OPENING_PAIRS, :]
    return np.linalg.norm(pairs[..., 0, :] - pairs[..., 1, :], axis=-1).mean(axis=-1)
