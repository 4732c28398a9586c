"""Peer: a plain PyTorch loop over the same network and data. Prints pictures per second."""

import json
import statistics
import sys
import time
from pathlib import Path

import torch
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parent))
from training_data import BATCH, EPOCHS, N, make

net, pictures, labels = make()
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
net.to(device).train()
x, y = torch.from_numpy(pictures), torch.from_numpy(labels)
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
rates = []
for _ in range(EPOCHS):
    order = torch.randperm(N)
    begin = time.perf_counter()
    for start in range(0, N, BATCH):
        chosen = order[start : start + BATCH]
        loss = functional.cross_entropy(net(x[chosen].to(device)), y[chosen].to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
    rates.append(N / (time.perf_counter() - begin))
print(json.dumps({"rate": statistics.median(rates[1:])}))
