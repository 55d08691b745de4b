"""Our number beside each one that ISAAC published: powers, areas, rates, arrays.

ISAAC-CE, Shafiee et al., ISCA 2016, table I, as commonly quoted, on `isaac_isca_2016`.  Powers are
not the inputs of the model but what comes out of a run: a network that keeps every array of a tile
busy goes through the schedule, and the energy of each component times the inferences a second is
its power.  A tile is run, and 168 of them make the chip; the port, which such a network does not
fill, is the nameplate's.

The script fails when a row is off by more than 1 %, or an array count at all; but for those marked
*shown*: what the paper prints and its own table does not give, and chips that buffers may add to.
The tile holds digital input sums as well, which the table does not have: 0.05 % of its power, 0.4 %
of its area.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness import options, write
from isaac import IMA, NETWORKS, PER_IMA, PER_TILE, STEP, Row, one_vector, saturating, vgg19

from crossbar import Report, build_plan, estimate, find_workload, load_arch
from crossbar.energy import nameplate
from crossbar.tables import table

PRESET = "isaac_isca_2016"
TILES = 168
TABLE = {"energy.array": "table"}
LIMIT = 0.01
OTHER_CELLS = {
    "8 b in 2 b, 128": {"precision.weight_bits": 8},
    "8 b in 1 b, 256": {
        "precision.weight_bits": 8,
        "cell.bits": 1,
        "array.rows": 256,
        "array.cols": 256,
    },
}


@dataclass(frozen=True)
class Compared:
    """One figure: published and ours."""

    what: str
    unit: str
    published: float
    ours: float
    limit: float | None = LIMIT

    @property
    def difference(self) -> float:
        """Ours over published, less one."""
        return self.ours / self.published - 1

    @property
    def passes(self) -> bool:
        """Whether it is as near as it must be; one that is only shown always is."""
        return self.limit is None or abs(self.difference) <= self.limit

    @property
    def cells(self) -> list[str]:
        """The row as it is printed."""
        return [
            self.what + (" (shown)" if self.limit is None else ""),
            f"{self.published:,.6g} {self.unit}",
            f"{self.ours:,.6g}",
            f"{round(100 * self.difference, 2) + 0.0:.2f}",
        ]


def powers(run: Report) -> list[Compared]:
    """Table I by what one saturated tile draws."""
    drawn = {name: 1e3 * c["energy"] * run.throughput for name, c in run.components.items()}
    rows = [
        Compared(f"{row.component}, an IMA", "mW", row.power, drawn[row.component] / IMA)
        for row in PER_IMA
    ]
    rows += [Compared(row.component, "mW", row.power, drawn[row.component]) for row in PER_TILE]
    ima = sum(drawn[row.component] for row in PER_IMA) / IMA
    tile = sum(drawn[name] for name in drawn if name != "offchip")
    plate = nameplate(load_arch(PRESET), TILES)
    port = plate["offchip"]
    return [
        *rows,
        Compared("IMA", "mW", 24.08, ima),
        Compared("tile", "mW", 330, tile),
        Compared("168 tiles", "W", 55.4, TILES * tile / 1e3),
        Compared("HyperTransport, all links busy", "W", 10.4, port),
        Compared("chip", "W", 65.8, TILES * tile / 1e3 + port),
        Compared("chip, nameplate", "W", 65.8, sum(plate.values())),
    ]


def areas(tile: Report, chip: Report) -> list[Compared]:
    """Table I by the areas of a chip of one tile and of the whole one."""
    each = {name: 1e6 * c["area"] for name, c in tile.components.items()}
    whole = {name: 1e6 * c["area"] for name, c in chip.components.items()}

    def compared(row: Row, count: int, where: str) -> Compared:
        return Compared(f"{row.component}{where}", "mm2", row.area, each[row.component] / count)

    return [
        *(compared(row, IMA, ", an IMA") for row in PER_IMA),
        *(compared(row, 1, "") for row in PER_TILE),
        Compared("IMA", "mm2", 0.0131, sum(each[row.component] for row in PER_IMA) / IMA),
        Compared("tile", "mm2", 0.372, sum(each.values()) - each["offchip"]),
        Compared("168 tiles", "mm2", 62.5, sum(whole.values()) - whole["offchip"]),
        Compared("HyperTransport", "mm2", 22.88, whole["offchip"]),
        Compared("chip", "mm2", 85.4, sum(whole.values())),
    ]


def rates(run: Report, chip: Report, positions: int) -> list[Compared]:
    """Compare peak rate, and steps of the pipeline."""
    tops = TILES * 2 * saturating(positions).macs * run.throughput / 1e12
    watts = sum(nameplate(load_arch(PRESET), TILES).values())
    arch = load_arch(PRESET, {**TABLE, "chip.tiles": 1})
    first = estimate(arch, one_vector()).latency / STEP
    longer = estimate(arch, saturating(positions + 10)).latency - run.latency
    per_area, per_watt = tops * 1e3 / (chip.area * 1e6), tops * 1e3 / watts
    return [
        Compared("peak rate", "TOPS", 41.3, tops),
        Compared("first output of a layer", "steps of 100 ns", 22, first),
        Compared("from one output to the next", "steps of 100 ns", 16, longer / 10 / STEP),
        Compared("CE, from the table", "GOPS/mm2", 483, per_area),
        Compared("CE, as printed", "GOPS/mm2", 478.95, per_area, None),
        Compared("PE, from the table", "GOPS/W", 627.5, per_watt),
    ]


def arrays(quick: bool) -> list[Compared]:
    """Arrays of published networks without copies, on as many tiles as they need."""
    rows = []
    for name, (own, *others, slowest) in NETWORKS.items():
        if quick and name not in ("vgg8", "resnet18"):
            continue
        work = vgg19() if name == "vgg19" else find_workload(name)
        plan = build_plan(work, load_arch(PRESET, {"chip.tiles": "auto"}))
        rows.append(Compared(f"{name}, 16 b in 2 b, 128", "arrays", own, plan.arrays, 0.0))
        for (what, keys), expected in zip(OTHER_CELLS.items(), others, strict=True):
            arch = load_arch(PRESET, {"chip.tiles": "auto", **keys})
            found = build_plan(work, arch).arrays
            rows.append(Compared(f"{name}, {what}", "arrays", expected, found, 0.0))
        longest = max(layer.slots * layer.slot for layer in plan.layers)
        rows.append(Compared(f"{name}, slowest layer", "us", slowest, 1e6 * longest))
        chips = -(-plan.tiles // TILES)
        least = -(-own // (96 * TILES))
        rows.append(Compared(f"{name}, chips of 168 tiles", "chips", least, chips, None))
    return rows


def main() -> None:
    """Run, compare, print and write the tables; fail when a row is off."""
    args = options(__doc__, "03_isaac_anchor")
    positions = 100 if args.quick else 2000
    one_tile = load_arch(PRESET, {**TABLE, "chip.tiles": 1})
    run = estimate(one_tile, saturating(positions))
    chip = estimate(load_arch(PRESET, TABLE), saturating(positions))
    groups = {
        "power of a saturated chip": powers(run),
        "area": areas(run, chip),
        "rate": rates(run, chip, positions),
        "arrays without copies": arrays(args.quick),
    }
    for title, rows in groups.items():
        columns = ["<what", "published", "ours", "difference %"]
        print(table(columns, [row.cells for row in rows], title), end="\n\n")
    every = [row for rows in groups.values() for row in rows]
    gated = [row for row in every if row.limit is not None]
    off = [row for row in every if not row.passes]
    worst = max(gated, key=lambda row: abs(row.difference))
    print(
        f"{len(gated) - len(off)} of {len(gated)} rows are near enough (1 %, arrays exactly);"
        f" the farthest is {worst.what} ({100 * worst.difference:+.2f} %)"
    )
    path = write(
        args.out,
        "isaac_anchor",
        {
            "latency_kind": run.latency_kind,
            "rows": [
                {
                    "group": title,
                    "what": row.what,
                    "unit": row.unit,
                    "published": row.published,
                    "ours": row.ours,
                    "difference": row.difference,
                    "limit": row.limit,
                }
                for title, rows in groups.items()
                for row in rows
            ],
        },
    )
    print(f"wrote {path}")
    if off:
        raise SystemExit("too far off: " + ", ".join(row.what for row in off))


if __name__ == "__main__":
    main()
