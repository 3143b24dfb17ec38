"""PyTorch taking training steps: one for every line on standard input, answers the seconds.

    training_network_peer.py FORMAT RANKS MODEL BATCH INPUT OUTPUT

FORMAT is `contiguous` or `channels_last`. With RANKS above 1 each rank is a process that has its part of the
batch, and DistributedDataParallel sums the gradients over gloo. Writes the first step's gradients to OUTPUT,
layer by layer, raw float32.
"""
import os
import sys
import time

import numpy as np
import torch
import torch.distributed
import torch.multiprocessing
from torch import nn
from torch.nn.functional import cross_entropy

LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]


def caffenet():
    """Caffe's reference model, pooling before normalization, without dropout."""
    def pool():
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    def norm():
        return nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0)

    named = {
        "conv1": nn.Conv2d(3, 96, 11, 4), "relu1": nn.ReLU(True), "pool1": pool(), "norm1": norm(),
        "conv2": nn.Conv2d(96, 256, 5, padding=2, groups=2), "relu2": nn.ReLU(True),
        "pool2": pool(), "norm2": norm(),
        "conv3": nn.Conv2d(256, 384, 3, padding=1), "relu3": nn.ReLU(True),
        "conv4": nn.Conv2d(384, 384, 3, padding=1, groups=2), "relu4": nn.ReLU(True),
        "conv5": nn.Conv2d(384, 256, 3, padding=1, groups=2), "relu5": nn.ReLU(True),
        "pool5": pool(), "flat": nn.Flatten(),
        "fc6": nn.Linear(9216, 4096), "relu6": nn.ReLU(True),
        "fc7": nn.Linear(4096, 4096), "relu7": nn.ReLU(True), "fc8": nn.Linear(4096, 1000)}
    network = nn.Sequential()
    for name, module in named.items():
        network.add_module(name, module)
    return network


def serve(rank, arguments, rank_count, requests, answers):
    layout, _, model, batch, source, target = arguments
    batch = int(batch)
    torch.set_num_threads(1 if rank_count > 1 else len(os.sched_getaffinity(0)))
    if rank_count > 1:
        os.sched_setaffinity(0, [sorted(os.sched_getaffinity(0))[rank]])
        # A file in place of a port, which somebody else may have.
        torch.distributed.init_process_group(
            "gloo", init_method=f"file://{target}.{layout}", rank=rank, world_size=rank_count)
    layout = getattr(torch, f"{layout}_format" if layout == "contiguous" else layout)
    network = caffenet()
    network.load_state_dict(weights(model))
    network = network.to(memory_format=layout)
    plain = network
    if rank_count > 1:
        network = nn.parallel.DistributedDataParallel(network)
    own = slice(rank * batch // rank_count, (rank + 1) * batch // rank_count)
    data = np.fromfile(source, "<f4").reshape(-1, 3, 227, 227)[own]
    data = torch.from_numpy(data.copy()).contiguous(memory_format=layout)
    labels = torch.arange(batch)[own]
    optimizer = torch.optim.SGD(network.parameters(), 1e-6, momentum=0.9, weight_decay=5e-4)

    def step():
        optimizer.zero_grad(set_to_none=True)
        cross_entropy(network(data), labels).backward()
        optimizer.step()

    step()
    if rank == 0:
        parts = [getattr(getattr(plain, layer), part).grad.contiguous().numpy().ravel()
                 for layer in LAYERS for part in ("weight", "bias")]
        np.concatenate(parts).tofile(target)
        answers(f"{torch.__version__}, {rank_count} × {torch.get_num_threads()} threads")
    while True:
        goes_on = [rank == 0 and bool(requests.readline())]
        if rank_count > 1:
            torch.distributed.broadcast_object_list(goes_on, 0)
        if not goes_on[0]:
            return
        start = time.perf_counter()
        step()
        if rank == 0:
            answers(time.perf_counter() - start)


def weights(path):
    """The tensors of a safetensors file that are the network's."""
    import json
    raw = open(path, "rb").read()
    length = int.from_bytes(raw[:8], "little")
    found = {}
    for name, entry in json.loads(raw[8:8 + length]).items():
        if name.split(".")[-1] in ("weight", "bias"):
            begin, end = entry["data_offsets"]
            values = np.frombuffer(raw[8 + length + begin:8 + length + end], "<f4")
            found[name] = torch.from_numpy(values.reshape(entry["shape"]).copy())
    return found


def other_rank(rank, arguments, rank_count):
    serve(rank, arguments, rank_count, None, None)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    count = int(arguments[1])
    # The ranks besides this one, which end with it.
    context = torch.multiprocessing.get_context("spawn")
    others = [context.Process(target=other_rank, args=(rank, arguments, count), daemon=True)
              for rank in range(1, count)]
    for process in others:
        process.start()
    from peers.answers import answer
    serve(0, arguments, count, sys.stdin, answer)
    for process in others:
        process.join()
