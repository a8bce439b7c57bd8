"""Optimizers over five steps with given gradients, and learning rate schedules."""

import warnings

import torch

from golden_file import draw, numbers, write

STEPS = 5
LENGTH = 7


def sgd(keys):
    return lambda values: torch.optim.SGD(values, lr=keys["learning_rate"], momentum=keys.get("momentum", 0.0),
                                          nesterov=keys.get("nesterov", False), weight_decay=keys.get("weight_decay", 0.0))


def adam(kind, keys):
    betas = (keys.get("beta1", 0.9), keys.get("beta2", 0.999))
    return lambda values: kind(values, lr=keys["learning_rate"], betas=betas, eps=keys.get("epsilon", 1e-8),
                               weight_decay=keys.get("weight_decay", 0.0))


def rmsprop(keys):
    return lambda values: torch.optim.RMSprop(values, lr=keys["learning_rate"], alpha=keys.get("decay", 0.99),
                                              eps=keys.get("epsilon", 1e-8), weight_decay=keys.get("weight_decay", 0.0))


def adagrad(keys):
    return lambda values: torch.optim.Adagrad(values, lr=keys["learning_rate"], eps=keys.get("epsilon", 1e-10),
                                              weight_decay=keys.get("weight_decay", 0.0))


def optimizer(spec):
    makers = {
        "sgd": sgd,
        "adam": lambda keys: adam(torch.optim.Adam, keys),
        "adamw": lambda keys: adam(torch.optim.AdamW, keys),
        "rmsprop": rmsprop,
        "adagrad": adagrad,
    }
    return makers[spec["type"]](spec)


def optimizer_case(spec, seed):
    initial = draw(seed, (LENGTH,), -2.0, 2.0)
    gradients = [draw(seed + 1 + step, (LENGTH,), -1.0, 1.0) for step in range(STEPS)]
    for gradient in gradients:
        gradient[0] = 0.0
    values = initial.clone().requires_grad_(True)
    stepper = optimizer(spec)([values])
    after = []
    for gradient in gradients:
        values.grad = gradient.clone()
        stepper.step()
        after.append(numbers(values.detach()))
    name = ", ".join(f"{key} {value}" if key != "type" else value for key, value in spec.items())
    return {
        "name": name,
        "optimizer": spec,
        "initial": numbers(initial),
        "gradients": [numbers(gradient) for gradient in gradients],
        "after": after,
    }


def generate_optimizers():
    plain = [
        {"type": "sgd", "learning_rate": 0.1},
        {"type": "sgd", "learning_rate": 0.1, "momentum": 0.9},
        {"type": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": True},
        {"type": "adam", "learning_rate": 0.01},
        {"type": "adam", "learning_rate": 0.01, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-6},
        {"type": "adamw", "learning_rate": 0.01},
        {"type": "rmsprop", "learning_rate": 0.01},
        {"type": "rmsprop", "learning_rate": 0.01, "decay": 0.9},
        {"type": "adagrad", "learning_rate": 0.1},
    ]
    specs = [spec for keys in plain for spec in (keys, {**keys, "weight_decay": 0.05})]
    notes = [
        "momentum buffer: v = momentum * v + gradient, value -= learning_rate * v, starting at the first gradient",
        "weight decay is added to the gradient, except by adamw, which shrinks the value by learning_rate * weight_decay",
        "rmsprop: decay is the weight of the old average; epsilon is added to the root; first gradient element is always zero",
    ]
    write("optimizers", [optimizer_case(spec, 98_000 + 20 * index) for index, spec in enumerate(specs)], notes)


def schedule_rates(learning_rate, total_steps, make):
    value = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    stepper = torch.optim.SGD([value], lr=learning_rate)
    schedule = make(stepper)
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for step in range(total_steps):
            rates.append(float(f"{stepper.param_groups[0]['lr']:.15g}"))
            if step + 1 < total_steps:
                stepper.step()
                schedule.step()
    return rates


def cosine(total_steps):
    """Linear decay from the learning rate at step 0 towards zero, which would be reached at step `total_steps`."""
    return lambda stepper: torch.optim.lr_scheduler.CosineAnnealingLR(stepper, T_max=total_steps)


def one_cycle(learning_rate, total_steps, share=0.3, div=25.0, final=1e4):
    return lambda stepper: torch.optim.lr_scheduler.OneCycleLR(
        stepper, max_lr=learning_rate, total_steps=total_steps, pct_start=share, div_factor=div,
        final_div_factor=final, anneal_strategy="cos", cycle_momentum=False,
    )


def generate_schedules():
    cases = []
    for rate, steps in [(0.1, 10), (0.4, 37), (1.0, 1), (0.05, 2)]:
        rates = schedule_rates(rate, steps, cosine(steps))
        cases.append(schedule_case(f"cosine, {steps} steps", {"type": "cosine"}, rate, rates))
    for rate, steps in [(0.1, 10), (0.4, 50), (0.2, 101)]:
        rates = schedule_rates(rate, steps, one_cycle(rate, steps))
        cases.append(schedule_case(f"one_cycle, {steps} steps", {"type": "one_cycle"}, rate, rates))
    for rate, steps, every, factor in [(0.1, 10, 4, 0.1), (1.0, 7, 1, 0.5)]:
        rates = schedule_rates(rate, steps, lambda stepper: torch.optim.lr_scheduler.StepLR(stepper, every, factor))
        spec = {"type": "step", "every": every, "factor": factor}
        cases.append(schedule_case(f"step, every {every}, factor {factor}", spec, rate, rates))
    notes = [
        "one_cycle: share 0.3 rising from rate / 25, then falling to rate / 25 / 10000, both along a cosine",
        "step: `every` counts steps here",
    ]
    write("schedules", cases, notes)


def schedule_case(name, spec, learning_rate, rates):
    return {"name": name, "schedule": spec, "learning_rate": learning_rate, "total_steps": len(rates),
            "learning_rates": rates}


def generate():
    generate_optimizers()
    generate_schedules()
