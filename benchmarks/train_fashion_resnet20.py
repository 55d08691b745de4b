"""Train the bundled network: ResNet-20 with a one-channel stem on Fashion-MNIST.

    python benchmarks/train_fashion_resnet20.py --data /usr/share/datasets/fashion-mnist --out
    out/train

``--data`` is a folder with the four official ``*-ubyte.gz`` files (Debian package
``dataset-fashion-mnist``) or an npz file with ``x_train y_train x_test y_test``.  Writes
``fashion_resnet20.safetensors`` (float32 weights) and ``fashion_test500.npz`` (the first 500 test
images, uint8, with their labels).  Copy both to ``crossbar/bundled/`` to ship them.

The run is seeded, but floating-point sums differ between machines and thread counts, so the weights
are the same only on the same machine; the accuracy is the same within a few tenths of a point.
"""

from __future__ import annotations

import argparse
import gzip
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional

from crossbar.nn.resnet import resnet20

MEAN, STD = 0.2860, 0.3530  # of the 60,000 training images, pixels in 0..1


def load(folder_or_npz: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Read uint8 images ``(n, 28, 28)`` and labels: training, then test."""
    if folder_or_npz.suffix == ".npz":
        with np.load(folder_or_npz) as z:
            return z["x_train"], z["y_train"], z["x_test"], z["y_test"]

    def idx(name: str, header: int) -> np.ndarray:
        raw = gzip.decompress((folder_or_npz / name).read_bytes())
        return np.frombuffer(raw, np.uint8, offset=header)

    parts = []
    for split in ("train", "t10k"):
        parts.append(idx(f"{split}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28))
        parts.append(idx(f"{split}-labels-idx1-ubyte.gz", 8))
    return parts[0], parts[1], parts[2], parts[3]


def to_input(images: np.ndarray) -> torch.Tensor:
    """Normalise uint8 ``(n, 28, 28)`` to float32 ``(n, 1, 28, 28)``."""
    x = torch.from_numpy(images.astype(np.float32) / 255.0)
    return ((x - MEAN) / STD).unsqueeze(1)


def augment(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Shift each image by up to 2 pixels and mirror half of them."""
    n = x.shape[0]
    padded = functional.pad(x, (2, 2, 2, 2), mode="replicate")
    dy, dx = torch.randint(0, 5, (2, n), generator=generator)
    rows = (torch.arange(28)[None, :] + dy[:, None])[:, None, :, None]
    cols = (torch.arange(28)[None, :] + dx[:, None])[:, None, None, :]
    mirror = (torch.rand(n, generator=generator) < 0.5)[:, None, None, None]
    cols = torch.where(mirror, cols.flip(-1), cols)
    return padded[torch.arange(n)[:, None, None, None], 0, rows, cols]


def accuracy(model: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """Share of right answers, float32, in evaluation mode."""
    model.eval()
    with torch.no_grad():
        right = sum(
            int((model(x[i : i + 500]).argmax(1) == y[i : i + 500]).sum())
            for i in range(0, len(x), 500)
        )
    return right / len(x)


def main() -> None:
    """Train, report the test accuracy, write weights and images."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("out/train"))
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--float32", action="store_true", help="no bfloat16 (slower, same result)")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    x_train, y_train, x_test, y_test = load(args.data)
    x, y = to_input(x_train), torch.from_numpy(y_train.astype(np.int64))
    xt, yt = to_input(x_test), torch.from_numpy(y_test.astype(np.int64))
    model = resnet20(1).to(memory_format=torch.channels_last)
    batch, steps = 128, len(x) // 128
    optimiser = torch.optim.SGD(
        model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=0.2, total_steps=args.epochs * steps, pct_start=0.2
    )
    start = time.time()
    for epoch in range(args.epochs):
        model.train()
        order = torch.randperm(len(x), generator=generator)
        total = 0.0
        for step in range(steps):
            index = order[step * batch : (step + 1) * batch]
            images = augment(x[index], generator).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=not args.float32):
                loss = functional.cross_entropy(model(images), y[index], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(
            f"epoch {epoch + 1}/{args.epochs}  loss {total / steps:.4f}"
            f"  test accuracy {accuracy(model, xt, yt):.4f}  {time.time() - start:.0f} s",
            flush=True,
        )

    args.out.mkdir(parents=True, exist_ok=True)
    final = accuracy(model, xt, yt)
    state = {k: v.contiguous() for k, v in model.state_dict().items()}
    save_file(
        state,
        args.out / "fashion_resnet20.safetensors",
        metadata={
            "trained_by": "benchmarks/train_fashion_resnet20.py",
            "seed": str(args.seed),
            "epochs": str(args.epochs),
            "training_images": str(len(x)),
            "test_accuracy_10000": f"{final:.4f}",
        },
    )
    np.savez_compressed(
        args.out / "fashion_test500.npz", x=x_test[:500], y=y_test[:500].astype(np.uint8)
    )
    print(f"test accuracy on {len(xt)} images: {final:.4f}; wrote {args.out}")


if __name__ == "__main__":
    main()
