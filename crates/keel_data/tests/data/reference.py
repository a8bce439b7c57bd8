"""Writes the JPEG files of this folder and prints the values that tests compare with. Needs numpy and Pillow 12."""
import os
import numpy as np
from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))
y, x = np.mgrid[0:40, 0:56]
picture = np.stack([127 + 90 * np.sin(x / 5.0) + 30 * np.cos(y / 3.0), (x * 4) % 256, (y * 5 + x * 3) % 256], -1)
picture = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
picture.save(f"{here}/baseline.jpg", quality=80, restart_marker_blocks=4)
picture.save(f"{here}/progressive.jpg", quality=80, progressive=True)
picture.convert("CMYK").save(f"{here}/cmyk.jpg", quality=90)

y, x = np.mgrid[0:470, 0:610]
grey = (abs(x % 200 - 100) * 2 + abs(y % 140 - 70)) * 8 // 10 + (x * 7 + y * 13) % 30
small = np.asarray(Image.fromarray(grey.astype(np.uint8)).resize((13, 9), Image.BILINEAR))
print("[" + ", ".join(str(row.tolist()) for row in small) + "]")
