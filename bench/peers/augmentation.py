"""CIFAR-like images in memory, flipped at random and cropped from a border of four zeros, one batch at a time."""

import torch
import torch.nn.functional as functional

BORDER = 4


def images_in_memory(count, classes):
    """Returns bytes `[count, 3, 32, 32]` and labels, the same on every call."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return images, torch.randint(0, classes, (count,), generator=generator)


def channel_statistics(images):
    """Returns mean and standard deviation of each channel, over a part of the images large enough for a benchmark."""
    part = images[:2000].float()
    return part.mean(dim=(0, 2, 3)).reshape(1, 3, 1, 1), part.std(dim=(0, 2, 3)).reshape(1, 3, 1, 1)


def flip_and_crop(images, mean, deviation):
    """Returns standardised float images `[batch, 3, 32, 32]`, each flipped and shifted separately, by one gather."""
    batch, _, height, width = images.shape
    source = functional.pad((images.float() - mean) / deviation, (BORDER,) * 4)
    top = torch.randint(0, 2 * BORDER + 1, (batch, 1))
    left = torch.randint(0, 2 * BORDER + 1, (batch, 1))
    flipped = torch.rand(batch, 1) < 0.5
    across = torch.arange(width).expand(batch, width)
    rows = top + torch.arange(height)
    columns = left + torch.where(flipped, width - 1 - across, across)
    sample = torch.arange(batch)[:, None, None]
    # Indexing around the channel slice puts the channels last; this restores the order of the network.
    return source[sample, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
