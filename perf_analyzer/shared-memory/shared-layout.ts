import type { ModelDescription } from "../client-backend/model-description.ts";
import type { RequestPlan } from "../infer-data/request-plan.ts";
import { dataTypeByteSize } from "../../server/core/data-type.ts";

/** Where a tensor lies in shared memory. */
export interface TensorPlace {
  /** The registered name. */
  readonly region: string;
  readonly offset: number;
  readonly byteSize: number;
}

/** Where the tensors of a request lie. */
export interface RequestPlaces {
  /** In the order of its inputs. */
  readonly inputs: readonly TensorPlace[];
  /** In the order of its requested outputs. */
  readonly outputs: readonly TensorPlace[];
}

/** A shared memory object that is registered whole. */
export interface SharedRegion {
  readonly name: string;
  /** As `shm_open` takes it. */
  readonly key: string;
  readonly byteLength: number;
}

/** Where all tensors of a run lie. Can be sent to a thread. */
export interface SharedLayout {
  readonly input: SharedRegion;
  readonly output: SharedRegion;
  /** By content, then in the order of its inputs. */
  readonly inputs: readonly (readonly TensorPlace[])[];
  /** By lane, then in the order of the model's outputs. */
  readonly outputs: readonly (readonly TensorPlace[])[];
}

/** What decides about the layout. */
export interface LayoutOptions {
  readonly batchSize: number;
  /** For each row of an output whose size the model does not tell. */
  readonly outputBytes: number;
  /** Requests whose outputs must not overwrite each other. */
  readonly laneCount: number;
  /** Begins the regions' names: no other region may have it. */
  readonly prefix: string;
}

/** Tensors begin at a cache line, which suits every data type too. */
const alignmentBytes = 64;

/** Gives places away, one behind the other. */
class PlaceMaker {
  readonly #region: string;
  #byteLength = 0;

  constructor(region: string) {
    this.#region = region;
  }

  place(byteSize: number): TensorPlace {
    const offset = Math.ceil(this.#byteLength / alignmentBytes) * alignmentBytes;
    this.#byteLength = offset + byteSize;
    return { region: this.#region, offset, byteSize };
  }

  /** Objects of no bytes cannot be mapped. */
  get region(): SharedRegion {
    const name = this.#region;
    return { name, key: `/${name}`, byteLength: Math.max(1, this.#byteLength) };
  }
}

/** Lays out the inputs of all requests, and the outputs of as many requests as must be kept apart. */
export function layOut(plan: RequestPlan, model: ModelDescription, options: LayoutOptions): SharedLayout {
  const inputMaker = new PlaceMaker(`${options.prefix}-in`);
  const outputMaker = new PlaceMaker(`${options.prefix}-out`);
  const inputs = plan.contents.map((content) =>
    content.inputs.map(({ data }) => inputMaker.place(data.byteLength)),
  );
  const outputs = Array.from({ length: options.laneCount }, () =>
    model.outputs.map(({ datatype, dims }) => {
      const isKnown = datatype !== "BYTES" && !dims.includes(-1);
      const rowBytes = isKnown
        ? dims.reduce((product, dim) => product * dim, dataTypeByteSize[datatype])
        : options.outputBytes;
      return outputMaker.place(rowBytes * options.batchSize);
    }),
  );
  return { input: inputMaker.region, output: outputMaker.region, inputs, outputs };
}
