import type { Rank, Tensor } from "@tensorflow/tfjs-core";
import { tf } from "../../../backends/tensorflow/engine/tensorflow-js.ts";
import { CaseList, type Draw, dtypes, shapes, text } from "../kernel-case.ts";

const { cases, add } = new CaseList();

for (const shape of shapes) {
  for (const from of dtypes) {
    for (const to of dtypes)
      add(`Cast ${from} ${to} ${text(shape)}`, (draw) => tf.cast(draw.tensor(shape, from), to));
    if (shape.length === 0) continue;
    const rank = shape.length;
    const twice = (draw: Draw): Tensor[] => [draw.tensor(shape, from), draw.tensor(shape, from)];
    for (let axis = 0; axis < rank; axis++) {
      add(`Concat ${from} ${text(shape, axis)}`, (draw) =>
        tf.concat([...twice(draw), draw.tensor(shape, from)], axis),
      );
      add(`Pack ${from} ${text(shape, axis)}`, (draw) => tf.stack(twice(draw), axis));
      add(`Unpack ${from} ${text(shape, axis)}`, (draw) => tf.unstack(draw.tensor(shape, from), axis));
      add(`ExpandDims ${from} ${text(shape, axis)}`, (draw) => tf.expandDims(draw.tensor(shape, from), axis));
      const size = shape[axis] ?? 0;
      if (size > 1) {
        add(`SplitV ${from} ${text(shape, axis)}`, (draw) =>
          tf.split(draw.tensor(shape, from), [1, size - 1], axis),
        );
        for (const indices of [[], [0], [1, 0, 1]]) {
          add(`GatherV2 ${from} ${text(shape, axis, indices)}`, (draw) =>
            tf.gather(draw.tensor(shape, from), tf.tensor1d(indices, "int32"), axis),
          );
        }
        add(`GatherV2 ${from} 2-D indices ${text(shape, axis)}`, (draw) =>
          tf.gather(draw.tensor(shape, from), draw.between([2, 2], 0, size - 1, "int32"), axis),
        );
      }
    }
    if (rank === 3 && !shape.includes(0)) {
      for (const batchDims of [1, 2])
        add(`GatherV2 ${from} batchDims ${batchDims}`, (draw) =>
          tf.gather(
            draw.tensor(shape, from),
            draw.between(shape.slice(0, batchDims).concat(2), 0, 1, "int32"),
            batchDims,
            batchDims,
          ),
        );
    }
    const tiles = Array.from(shape, (_, i) => (i % 2) + 1);
    add(`Tile ${from} ${text(shape)}`, (draw) => tf.tile(draw.tensor(shape, from), tiles));
    const paddings = Array.from(shape, (_, i): [number, number] => [i % 3, 1]);
    add(`PadV2 ${from} ${text(shape)}`, (draw) =>
      tf.pad(draw.tensor(shape, from), paddings, from === "bool" ? 1 : 2),
    );
    add(`PadV2 zeros ${from} ${text(shape)}`, (draw) => tf.pad(draw.tensor(shape, from), paddings));
    for (let turn = 0; turn < rank; turn++) {
      const perm = Array.from(shape, (_, i) => (i * (rank > 2 ? rank - 1 : 1) + turn) % rank);
      add(`Transpose ${from} ${text(shape, perm)}`, (draw) => tf.transpose(draw.tensor(shape, from), perm));
    }
    if (!shape.includes(0)) {
      const begin = Array.from(shape, (size) => (size > 1 ? 1 : 0));
      add(`Slice ${from} ${text(shape)}`, (draw) =>
        tf.slice(
          draw.tensor(shape, from),
          begin,
          begin.map(() => -1),
        ),
      );
      add(`Slice empty ${from} ${text(shape)}`, (draw) =>
        tf.slice(
          draw.tensor(shape, from),
          begin,
          begin.map(() => 0),
        ),
      );
      const end = Array.from(shape);
      add(`StridedSlice ${from} ${text(shape)}`, (draw) =>
        tf.stridedSlice(
          draw.tensor(shape, from),
          begin,
          end,
          end.map((_, i) => (i % 2) + 1),
        ),
      );
      add(`StridedSlice backwards ${from} ${text(shape)}`, (draw) =>
        tf.stridedSlice(
          draw.tensor(shape, from),
          end.map((size) => size - 1),
          begin.map(() => 0),
          end.map(() => -1),
          0,
          2 ** rank - 1,
        ),
      );
      if (rank <= 4 && from !== "bool" && shape.every((size) => size > 1))
        for (const mode of ["reflect", "symmetric"] as const)
          add(`MirrorPad ${from} ${mode} ${text(shape)}`, (draw) =>
            tf.mirrorPad(
              draw.tensor(shape, from),
              end.map(() => [1, 1]),
              mode,
            ),
          );
    }
  }
}
for (const rank of [6] as const) {
  const shape = [2, 1, 2, 3, 1, 2];
  const sixth = (draw: Draw): Tensor<Rank.R6> => draw.tensor(shape) as Tensor<Rank.R6>;
  add(`Transpose rank ${rank}`, (draw) => tf.transpose(sixth(draw), [5, 3, 0, 1, 4, 2]));
  add(`Tile rank ${rank}`, (draw) => tf.tile(draw.tensor([2, 1, 2, 3, 2]), [1, 2, 1, 2, 3]));
  add(`Sum rank ${rank}`, (draw) => tf.sum(sixth(draw), [1, 3, 5]));
  add(`Add rank ${rank}`, (draw) => tf.add(sixth(draw), draw.tensor([3, 1, 2])));
}

/** Whatever moves elements about without computing. */
export const arrangementCases = cases;
