import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import { tf } from "../../../backends/tensorflow/engine/tensorflow-js.ts";
import { CaseList, type Draw, dtypes, type Shape, text } from "../kernel-case.ts";

const { cases, add } = new CaseList();

for (const dtype of dtypes) {
  const updates = (draw: Draw, shape: Shape): Tensor => draw.tensor(shape, dtype);
  add(`GatherNd ${dtype}`, (draw) =>
    tf.gatherND(
      updates(draw, [3, 4, 2]),
      tf.tensor2d(
        [
          [0, 1],
          [2, 3],
        ],
        [2, 2],
        "int32",
      ),
    ),
  );
  add(`GatherNd deep ${dtype}`, (draw) =>
    tf.gatherND(updates(draw, [3, 4]), tf.tensor3d([[[0, 1]], [[2, 3]]], [2, 1, 2], "int32")),
  );
  add(`OneHot ${dtype}`, (draw) => tf.oneHot(draw.between([2, 3], -1, 4, "int32"), 4, 1, 0, dtype));
  add(`OneHot values ${dtype}`, (draw) =>
    tf.oneHot(
      draw.between([5], 0, 3, "int32"),
      4,
      dtype === "bool" ? 0 : 3,
      dtype === "bool" ? 1 : -2,
      dtype,
    ),
  );
  add(`OneHot scalar ${dtype}`, () => tf.oneHot(tf.scalar(1, "int32"), 4, 1, 0, dtype));
  add(`Fill ${dtype}`, () => [tf.fill([2, 3], 1, dtype), tf.fill([0], 1, dtype), tf.fill([], 1, dtype)]);
  add(`Unique ${dtype}`, (draw) => Object.values(tf.unique(updates(draw, [9]))));
  if (dtype === "bool") continue;
  add(`Unique axis ${dtype}`, () =>
    Object.values(
      tf.unique(
        tf.tensor2d(
          [
            [1, 0],
            [1, 0],
            [2, 0],
          ],
          [3, 2],
          dtype,
        ),
        0,
      ),
    ),
  );
  add(`ScatterNd ${dtype}`, (draw) =>
    tf.scatterND(tf.tensor2d([[1], [3], [1]], [3, 1], "int32"), updates(draw, [3, 2]), [5, 2]),
  );
  add(`ScatterNd elements ${dtype}`, (draw) =>
    tf.scatterND(
      tf.tensor2d(
        [
          [1, 0],
          [0, 1],
        ],
        [2, 2],
        "int32",
      ),
      updates(draw, [2]),
      [3, 2],
    ),
  );
  add(`TensorScatterUpdate ${dtype}`, (draw) =>
    tf.tensorScatterUpdate(
      updates(draw, [5, 2]),
      tf.tensor2d([[1], [3]], [2, 1], "int32"),
      updates(draw, [2, 2]),
    ),
  );
  add(`SparseToDense ${dtype}`, (draw) =>
    tf.sparseToDense(
      tf.tensor2d(
        [
          [0, 1],
          [2, 0],
        ],
        [2, 2],
        "int32",
      ),
      updates(draw, [2]),
      [3, 2],
      tf.scalar(1, dtype),
    ),
  );
  add(`SparseToDense vector ${dtype}`, (draw) =>
    tf.sparseToDense(tf.tensor1d([4, 1], "int32"), updates(draw, [2]), [6], tf.scalar(2, dtype)),
  );
  for (const shape of [[7], [3, 5], [2, 2, 4]] as const) {
    for (const sorted of [true, false])
      add(`TopK ${dtype} ${text(shape, sorted)}`, (draw) =>
        Object.values(
          tf.topk(
            tf.add(
              tf.mul(draw.tensor(shape, dtype), tf.scalar(100, dtype)),
              tf.range(0, shape[shape.length - 1] ?? 0, 1, dtype),
            ),
            3,
            true,
          ),
        ),
      );
  }
  add(`Range ${dtype}`, () => [
    tf.range(0, 5, 1, dtype),
    tf.range(5, 0, -2, dtype),
    tf.range(0, 0, 1, dtype),
  ]);
  for (const kind of ["left", "right"] as const)
    add(`SearchSorted ${dtype} ${kind}`, (draw) =>
      tf.searchSorted(
        tf.tensor2d(
          [
            [1, 2, 2, 3],
            [0, 1, 2, 5],
          ],
          [2, 4],
          dtype,
        ),
        draw.between([2, 5], -1, 6, dtype),
        kind,
      ),
    );
  add(`SpaceToBatchND ${dtype}`, (draw) =>
    tf.spaceToBatchND(
      updates(draw, [1, 3, 4, 2]),
      [2, 2],
      [
        [0, 1],
        [0, 0],
      ],
    ),
  );
  add(`BatchToSpaceND ${dtype}`, (draw) =>
    tf.batchToSpaceND(
      updates(draw, [4, 2, 2, 3]),
      [2, 2],
      [
        [0, 1],
        [1, 0],
      ],
    ),
  );
  if (dtype === "float32")
    add(`DepthToSpace ${dtype}`, (draw) => tf.depthToSpace(updates(draw, [1, 2, 3, 8]) as Tensor4D, 2));
  add(`Diag ${dtype}`, (draw) => tf.diag(updates(draw, [2, 3])));
  for (const align of [false, true]) {
    for (const half of align ? [false] : [false, true]) {
      for (const size of [
        [5, 7],
        [2, 2],
        [1, 1],
      ] as const) {
        const how = `${dtype} ${text(align, half, size)}`;
        const images = (draw: Draw): Tensor4D => updates(draw, [2, 3, 4, 2]) as Tensor4D;
        add(`ResizeBilinear ${how}`, (draw) => tf.image.resizeBilinear(images(draw), [...size], align, half));
        add(`ResizeNearestNeighbor ${how}`, (draw) =>
          tf.image.resizeNearestNeighbor(images(draw), [...size], align, half),
        );
      }
    }
  }
}
add("LinSpace", () => [tf.linspace(0, 1, 5), tf.linspace(3, -2, 2), tf.linspace(4, 9, 1)]);
add("DenseBincount", (draw) => [
  tf.denseBincount(draw.between([9], 0, 5, "int32") as Tensor1D, draw.tensor([9]) as Tensor1D, 6),
  tf.denseBincount(
    draw.between([2, 9], 0, 5, "int32") as Tensor2D,
    tf.tensor1d([]) as Tensor as Tensor2D,
    4,
    true,
  ),
  tf.bincount(draw.between([9], 0, 5, "int32") as Tensor1D, tf.tensor1d([]), 6),
]);
add("SparseFillEmptyRows", (draw) =>
  Object.values(
    tf.sparse.sparseFillEmptyRows(
      tf.tensor2d(
        [
          [0, 1],
          [2, 0],
        ],
        [2, 2],
        "int32",
      ),
      draw.tensor([2]) as Tensor1D,
      tf.tensor1d([4, 2], "int32"),
      tf.scalar(0.5),
    ),
  ),
);
add("SparseReshape", () =>
  Object.values(
    tf.sparse.sparseReshape(
      tf.tensor2d(
        [
          [0, 1],
          [2, 0],
        ],
        [2, 2],
        "int32",
      ),
      tf.tensor1d([3, 4], "int32"),
      tf.tensor1d([2, -1], "int32"),
    ),
  ),
);
for (const [name, reduce] of [
  ["Sum", tf.sparse.sparseSegmentSum],
  ["Mean", tf.sparse.sparseSegmentMean],
] as const)
  add(`SparseSegment${name}`, (draw) =>
    reduce(draw.tensor([5, 3]), tf.tensor1d([0, 4, 2, 2], "int32"), tf.tensor1d([0, 0, 1, 3], "int32")),
  );
add("UnsortedSegmentSum", (draw) =>
  tf.unsortedSegmentSum(draw.tensor([5, 2]), tf.tensor1d([0, 2, 0, 1, 2], "int32"), 4),
);

/** By indices, segments and positions. */
export const indexingCases = cases;
