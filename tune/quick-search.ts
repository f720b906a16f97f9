import type { CandidateSettings } from "./candidate-settings.ts";
import type { SearchSpace, SpacePoint } from "./search-space.ts";

/**
 * How good a candidate is: more is better, and below 0 it breaks a constraint. `-Infinity` when it cannot be measured. The
 * same candidate is measured once.
 */
export type Fitness = (settings: CandidateSettings) => Promise<number>;

/** Steps that change one setting, the ones that matter most first: how work is split, then batches, then delays. */
const singleSteps: readonly SpacePoint[] = [
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [0, 0, 1, 0],
  [0, 0, 0, 1],
];

/**
 * Steps along ridges: instances for threads, with the batches that then form or without, smaller batches for more
 * instances, a delay for what a larger batch needs.
 */
const jointSteps: readonly SpacePoint[] = [
  [1, -1, -1, 0],
  [1, -1, 0, 0],
  [1, 0, -1, 0],
  [0, 0, 1, 1],
];

/** Values that are looked at beyond one that is not better: noise, or a small dip, must not end a search. */
const lookAhead = 2;

/** Hills that are climbed: the one with the best foot need not be the highest. */
const climbCount = 2;

/**
 * Climbs from the best of the starting points, and from the next best one: along each setting as long as it gets better,
 * then along several settings together, until nothing around is better.
 *
 * @param start - The current settings.
 * @see contract §10, mode quick
 */
export async function quickSearch(
  space: SearchSpace,
  start: CandidateSettings,
  fitness: Fitness,
): Promise<void> {
  const fitnessAt: FitnessAt = async (point) => {
    const settings = space.at(point);
    return settings === null ? Number.NEGATIVE_INFINITY : await fitness(settings);
  };
  const current = space.nearest(start);
  const climbers = new Map<string, Climber>();
  for (const point of [current, ...startingPoints(space, current)]) {
    climbers.set(point.join(), { point, fitness: await fitnessAt(point) });
  }
  const ranked = [...climbers.values()].sort((a, b) => b.fitness - a.fitness);
  for (const climber of ranked.slice(0, climbCount)) await climbToTop(climber, fitnessAt);
}

type FitnessAt = (point: SpacePoint) => Promise<number>;

async function climbToTop(from: Climber, fitnessAt: FitnessAt): Promise<void> {
  let best = from;
  for (;;) {
    const before = best.fitness;
    for (const steps of [singleSteps, jointSteps]) {
      for (const step of steps) {
        for (const sign of [1, -1]) best = await climb(best, scaled(step, sign), fitnessAt);
      }
      // Joint steps are for where single ones lead no further.
      if (best.fitness > before) break;
    }
    if (best.fitness <= before) return;
  }
}

interface Climber {
  readonly point: SpacePoint;
  readonly fitness: number;
}

/** Goes on in one direction as long as it gets better. */
async function climb(from: Climber, step: SpacePoint, fitnessAt: FitnessAt): Promise<Climber> {
  let best = from;
  let point = from.point;
  for (let missed = 0; missed < lookAhead; ) {
    point = added(point, step);
    const fitness = await fitnessAt(point);
    if (fitness === Number.NEGATIVE_INFINITY) return best;
    if (fitness > best.fitness) {
      best = { point, fitness };
      missed = 0;
    } else {
      missed++;
    }
  }
  return best;
}

/** Both ways to use all cores, with the batch in the middle: hills that the current settings may be far away from. */
function startingPoints(space: SearchSpace, current: SpacePoint): readonly SpacePoint[] {
  const [instances, threads, batches] = space.lengths;
  const batch = Math.max(current[2], Math.floor((batches - 1) / 2));
  const instancesAt = (thread: number): SpacePoint => {
    let point: SpacePoint = [0, thread, batch, 0];
    for (let i = 1; i < instances && space.at([i, thread, batch, 0]) !== null; i++) {
      point = [i, thread, batch, 0];
    }
    return point;
  };
  const widest = Array.from({ length: threads }, (_, i) => threads - 1 - i).find(
    (thread) => space.at([0, thread, batch, 0]) !== null,
  );
  const middle = Math.floor((instances - 1) / 2);
  return [[0, widest ?? 0, batch, 0], [middle, 0, batch, 0], instancesAt(0)];
}

function scaled([a, b, c, d]: SpacePoint, by: number): SpacePoint {
  return [a * by, b * by, c * by, d * by];
}

function added(point: SpacePoint, step: SpacePoint): SpacePoint {
  return [point[0] + step[0], point[1] + step[1], point[2] + step[2], point[3] + step[3]];
}
