"""How long CaffeNet takes to train on many ranks: a model from measured costs.

A step has a batch of 16 images a rank, at least 256 and at most 32,768 (You et al., "ImageNet training in
minutes", 2018, found the accuracy of AlexNet kept up to there by LARS). Convolutions are shared out by
blocks of 16 images, inner products by slices of 128 outputs. What is computed is measured; what travels is
counted, and goes at a link's speed: a ring's allreduce, a gathering to all (each rank takes in every row).
"""
import dataclasses
import json
import math

IMAGES, EPOCHS = 1_281_167, 90
CONVOLUTION_PARAMETERS, INNER_PARAMETERS = 2_334_080, 58_631_144
# Rows that all ranks have: pool5, fc6 and fc7 on the way there, the gradients of fc7 and fc8's outputs back.
ROW_VALUES = 9216 + 4096 + 4096 + 4096 + 1000
# Of the gradient of pool5 each rank needs its own rows alone: a reduction that leaves everybody a part.
REDUCED_VALUES = 9216
BLOCK, SLICES = 16, 4096 // 128


@dataclasses.dataclass(frozen=True)
class TrainingCosts:
    """Seconds of a core; bytes a second of a rank's link, and seconds until a message arrives."""

    convolution_image: float
    inner_image: float
    link: float = 1.25e9
    latency: float = 30e-6

    @staticmethod
    def read(path):
        with open(path, encoding="utf-8") as file:
            return TrainingCosts(**json.load(file)["training"])


def batch_of(ranks):
    return min(max(256, BLOCK * ranks), 32_768)


def ring(byte_count, ranks, costs):
    """An allreduce in which everybody passes parts on to the next."""
    if ranks == 1:
        return 0.0
    return 2 * byte_count * (ranks - 1) / ranks / costs.link + 2 * math.ceil(math.log2(ranks)) * costs.latency


def step(ranks, costs, shares_outputs=True):
    """Seconds of a step: convolutions, inner products, and what travels."""
    batch = batch_of(ranks)
    blocks = math.ceil(batch / BLOCK / ranks)
    convolutions = blocks * BLOCK * costs.convolution_image
    travelling = ring(4 * CONVOLUTION_PARAMETERS, ranks, costs)
    if not shares_outputs:
        inner = blocks * BLOCK * costs.inner_image
        return convolutions, inner, travelling + ring(4 * INNER_PARAMETERS, ranks, costs)
    inner = batch * costs.inner_image * math.ceil(SLICES / ranks) / SLICES
    share = (ranks - 1) / ranks
    travelling += 4 * batch * ROW_VALUES * share / costs.link
    travelling += 8 * batch * REDUCED_VALUES * share / costs.link
    return convolutions, inner, travelling + 6 * math.ceil(math.log2(ranks or 1)) * costs.latency


def table(all_ranks, costs):
    print(f"CaffeNet, {EPOCHS} epochs of {IMAGES:,} images; seconds a step, and days in all")
    print("  ranks  batch   convolutions  inner products  travelling    days   plain allreduce")
    for ranks in all_ranks:
        steps = EPOCHS * math.ceil(IMAGES / batch_of(ranks))
        parts, plain = step(ranks, costs), step(ranks, costs, shares_outputs=False)
        days = [sum(one) * steps / 86_400 for one in (parts, plain)]
        print(f"  {ranks:>5}  {batch_of(ranks):>5}   {parts[0]:>12.3f}  {parts[1]:>14.3f}  "
              f"{parts[2]:>10.3f}  {days[0]:>6.2f}   {days[1]:>15.2f}")
    print("""
published, for comparison (other machines, accuracies and years):
  Caffe's reference network: about 6 days on one GPU (Jia et al. 2014)
  FireCaffe: GoogLeNet 47 times as fast on 128 GPUs as on one (Iandola et al. 2016)
  You et al. 2018: AlexNet, 100 epochs in 11 minutes on 2,048 processors""")
