import type { Tensor } from "@tensorflow/tfjs-core";
import { tf } from "../../../backends/tensorflow/engine/tensorflow-js.ts";
import { CaseList, dtypes, type Shape, shapes, text } from "../kernel-case.ts";

const { cases, add } = new CaseList();

const broadcasts: readonly (readonly [Shape, Shape])[] = [
  [[], []],
  [[5], [5]],
  [[2, 3], [3]],
  [[3], [2, 3]],
  [
    [2, 1],
    [1, 3],
  ],
  [[], [2, 3]],
  [[2, 3], []],
  [
    [2, 3, 4],
    [3, 1],
  ],
  [
    [3, 1],
    [2, 3, 4],
  ],
  [
    [2, 1, 4, 1],
    [3, 1, 5],
  ],
  [[0, 3], [3]],
  [
    [1, 0],
    [3, 1],
  ],
  [
    [1, 2, 1, 2, 1],
    [2, 1, 3, 1, 2],
  ],
];
const special = [
  NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1e-30,
  -1e-30,
  1e30,
  -1e30,
  0.5,
  -0.5,
  1.5,
  -1.5,
  2.5,
  -2.5,
  100,
  -100,
];

/** WASM's smallest and largest of NaN and a number are the number; its sine of a number beyond any precision differs. */
function specialValuesOf(name: string): number[] {
  if (["ClipByValue", "Relu6", "Maximum", "Minimum"].includes(name))
    return special.filter((x) => !Number.isNaN(x));
  return ["Sin", "Cos"].includes(name) ? special.filter((x) => !(Math.abs(x) > 1e9)) : special;
}

const unary: Readonly<
  Record<string, readonly [compute: (x: Tensor) => Tensor, least?: number, most?: number]>
> = {
  Abs: [tf.abs],
  Acos: [tf.acos, -1],
  Acosh: [tf.acosh, 1, 9],
  Asin: [tf.asin, -1],
  Asinh: [tf.asinh],
  Atan: [tf.atan],
  Atanh: [tf.atanh, -0.9],
  Ceil: [tf.ceil],
  ClipByValue: [(x) => tf.clipByValue(x, -1, 2)],
  Cos: [tf.cos],
  Cosh: [tf.cosh],
  Elu: [tf.elu],
  Erf: [tf.erf],
  Exp: [tf.exp],
  Expm1: [tf.expm1],
  Floor: [tf.floor],
  IsFinite: [tf.isFinite],
  IsInf: [tf.isInf],
  IsNan: [tf.isNaN],
  LeakyRelu: [(x) => tf.leakyRelu(x, 0.3)],
  Log: [tf.log, 0.01, 9],
  Log1p: [tf.log1p, -0.9, 9],
  Neg: [tf.neg],
  OnesLike: [tf.onesLike],
  Reciprocal: [tf.reciprocal, 0.1, 9],
  Relu: [tf.relu],
  Relu6: [tf.relu6, -9],
  Round: [tf.round],
  Rsqrt: [tf.rsqrt, 0.01, 9],
  Selu: [tf.selu],
  Sigmoid: [tf.sigmoid],
  Sign: [tf.sign],
  Sin: [tf.sin],
  Sinh: [tf.sinh],
  Softplus: [tf.softplus, -30],
  Sqrt: [tf.sqrt, 0, 9],
  Square: [tf.square],
  Step: [(x) => tf.step(x, 0.5)],
  Tan: [tf.tan, -1.4],
  Tanh: [tf.tanh],
  ZerosLike: [tf.zerosLike],
  Identity: [tf.clone],
};
/** Those that TensorFlow defines for integers as well. */
const unaryOnIntegers = new Set(
  "Abs ClipByValue Neg OnesLike Relu Relu6 Sign Square ZerosLike Identity".split(" "),
);
for (const [name, [compute, least = -3, most]] of Object.entries(unary)) {
  for (const shape of shapes) {
    add(`${name} float32 ${text(shape)}`, (draw) => compute(draw.between(shape, least, most)));
    if (unaryOnIntegers.has(name))
      add(`${name} int32 ${text(shape)}`, (draw) => compute(draw.tensor(shape, "int32")));
  }
  const values = specialValuesOf(name);
  add(`${name} float32 special values`, () => compute(tf.tensor1d(values)));
}

const arithmetic: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor>> = {
  Add: tf.add,
  Sub: tf.sub,
  Multiply: tf.mul,
  Maximum: tf.maximum,
  Minimum: tf.minimum,
  SquaredDifference: tf.squaredDifference,
  RealDiv: tf.div,
  FloorDiv: tf.floorDiv,
  Mod: tf.mod,
  Pow: tf.pow,
  Atan2: tf.atan2,
};
const comparisons: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor>> = {
  Equal: tf.equal,
  NotEqual: tf.notEqual,
  Less: tf.less,
  LessEqual: tf.lessEqual,
  Greater: tf.greater,
  GreaterEqual: tf.greaterEqual,
};
const logic: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor>> = {
  LogicalAnd: tf.logicalAnd,
  LogicalOr: tf.logicalOr,
  LogicalXor: tf.logicalXor,
};
for (const [a, b] of broadcasts) {
  const where = text(a, b);
  for (const [name, compute] of Object.entries(arithmetic)) {
    const isDivision = ["RealDiv", "FloorDiv", "Mod"].includes(name);
    const isPower = name === "Pow";
    add(`${name} float32 ${where}`, (draw) =>
      compute(draw.between(a, isPower ? 0.1 : -3, 3), isDivision ? draw.between(b, 0.5, 4) : draw.tensor(b)),
    );
    if (name === "Atan2") continue;
    add(`${name} int32 ${where}`, (draw) =>
      compute(
        draw.between(a, isPower ? 0 : -9, 9, "int32"),
        isDivision || isPower ? draw.between(b, 1, 4, "int32") : draw.tensor(b, "int32"),
      ),
    );
    if (isDivision)
      add(`${name} negative ${where}`, (draw) =>
        compute(draw.between(a, -9, 9, "int32"), draw.between(b, -4, -1, "int32")),
      );
  }
  for (const [name, compute] of Object.entries(comparisons)) {
    for (const dtype of dtypes)
      add(`${name} ${dtype} ${where}`, (draw) =>
        compute(
          tf.cast(draw.between(a, -2, 2, dtype === "bool" ? "int32" : dtype), dtype),
          tf.cast(draw.between(b, -2, 2, "int32"), dtype),
        ),
      );
  }
  for (const [name, compute] of Object.entries(logic))
    add(`${name} ${where}`, (draw) => compute(draw.tensor(a, "bool"), draw.tensor(b, "bool")));
  add(`BitwiseAnd ${where}`, (draw) => {
    const shape = tf.broadcast_util.assertAndGetBroadcastShape([...a], [...b]);
    return tf.bitwiseAnd(draw.between(shape, -99, 99, "int32"), draw.between(shape, -99, 99, "int32"));
  });
  add(`Prelu ${where}`, (draw) => tf.prelu(draw.tensor(a), draw.tensor(b)));
  // Nothing broadcast is not nothing for TensorFlow.js, on either engine.
  for (const dtype of a.includes(0) ? [] : dtypes) {
    add(`Select ${dtype} ${where}`, (draw) =>
      tf.where(draw.tensor(a, "bool"), draw.tensor(b, dtype), draw.tensor(a, dtype)),
    );
  }
  add(`BroadcastTo ${where}`, (draw) =>
    tf.broadcastTo(draw.tensor(b), tf.broadcast_util.assertAndGetBroadcastShape([...a], [...b])),
  );
  add(`BroadcastArgs ${where}`, (draw) =>
    tf.broadcastArgs(tf.tensor1d([2, 1, a.length + 1], "int32"), draw.between([3], 1, 1, "int32")),
  );
}
for (const [name, compute] of Object.entries({ ...arithmetic, ...comparisons })) {
  const values = specialValuesOf(name);
  const pairs = values.flatMap((x) => values.map((y) => [x, y] as const));
  add(`${name} float32 special values`, () =>
    compute(tf.tensor1d(pairs.map(([x]) => x)), tf.tensor1d(pairs.map(([, y]) => y))),
  );
}

add("AddN", (draw) => tf.addN([draw.tensor([2, 3]), draw.tensor([2, 3]), draw.tensor([2, 3])]));
add("AddN int32", (draw) => tf.addN([draw.tensor([2, 3], "int32"), draw.tensor([2, 3], "int32")]));
add("LogicalNot", (draw) => tf.logicalNot(draw.tensor([2, 5], "bool")));

/** Of one and two operands, with broadcasting. */
export const elementwiseCases = cases;
