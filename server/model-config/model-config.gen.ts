// Made from model-config.schema.json by `npm run generate`. Do not edit.

/**
 * Type of a tensor's elements. TYPE_STRING is what the protocol calls BYTES.
 */
export type DataType =
  | "TYPE_INVALID"
  | "TYPE_BOOL"
  | "TYPE_UINT8"
  | "TYPE_UINT16"
  | "TYPE_UINT32"
  | "TYPE_UINT64"
  | "TYPE_INT8"
  | "TYPE_INT16"
  | "TYPE_INT32"
  | "TYPE_INT64"
  | "TYPE_FP16"
  | "TYPE_FP32"
  | "TYPE_FP64"
  | "TYPE_STRING"
  | "TYPE_BF16";

/**
 * The config.json of one model. Field names and meanings are those of Triton's ModelConfig. Enum names in any case, enum numbers, camelCase field names and decimal strings for 64-bit integers are read too.
 */
export interface ModelConfigFields {
  /**
   * Path of this schema, for editors. The server does not read it.
   */
  $schema?: string;
  /**
   * The model's name: the same as its directory's. Default: that name.
   */
  name?: string;
  /**
   * Framework and format of the model, for example onnxruntime_onnx. Default: what the backend implies.
   */
  platform?: string;
  /**
   * Backend that runs the model, for example onnxruntime. Default: by `platform`, `default_model_filename` or the files in the first version directory.
   */
  backend?: string;
  /**
   * File name of the backend's library. Default: the backend's own. Not supported yet.
   */
  runtime?: string;
  version_policy?: ModelVersionPolicy;
  /**
   * Most rows in one batch. Above 0, every input and output has a batch dimension before its `dims`. 0: the model does not batch. Default: 0, or what fits the model when `input` or `output` is left out.
   */
  max_batch_size?: number;
  /**
   * The model's inputs. Default: read from the model.
   */
  input?: ModelInput[];
  /**
   * The model's outputs. Default: read from the model.
   */
  output?: ModelOutput[];
  /**
   * Inputs that the server makes from the composition of a batch, to tell requests apart in ragged inputs. They are not listed in `input`. Default: none.
   */
  batch_input?: BatchInput[];
  /**
   * Outputs that are cut apart by the shapes of an input. Default: none.
   */
  batch_output?: BatchOutput[];
  optimization?: ModelOptimizationPolicy;
  dynamic_batching?: ModelDynamicBatching;
  sequence_batching?: ModelSequenceBatching;
  ensemble_scheduling?: ModelEnsembling;
  /**
   * Where the model runs and how many times at once. Default: one group on the CPU.
   */
  instance_group?: ModelInstanceGroup[];
  /**
   * Name of the model's file or directory inside the version directory. Default: the backend's, model.onnx for onnxruntime.
   */
  default_model_filename?: string;
  /**
   * Model file by the GPU's compute capability. Default: `default_model_filename` for all. Not supported yet.
   */
  cc_model_filenames?: {
    /**
     * Name of the file.
     */
    [k: string]: string;
  };
  /**
   * Further labels of the model's metrics; their names get `_` in front. Default: none.
   */
  metric_tags?: {
    /**
     * Value of the label.
     */
    [k: string]: string;
  };
  /**
   * Settings for the backend, by name. Default: none.
   */
  parameters?: {
    [k: string]: ModelParameter;
  };
  /**
   * Requests that are run on each instance before it counts as loaded. One that fails, fails the load. Default: none.
   */
  model_warmup?: ModelWarmup[];
  /**
   * Libraries with operators of your own. Not supported yet.
   */
  model_operations?: {
    /**
     * Paths of the libraries. Default: none.
     *
     * Items: Path of a library.
     */
    op_library_filename?: string[];
  };
  /**
   * How many responses a request has.
   */
  model_transaction_policy?: {
    /**
     * Whether a request may have none or several. Default: false. Only with backends that answer each request by itself: javascript.
     */
    decoupled?: boolean;
  };
  /**
   * Checks that the model's directory must pass before it is loaded.
   */
  model_repository_agents?: {
    /**
     * The agents, in order. Default: none.
     *
     * Items: An agent.
     */
    agents?: {
      /**
       * Name of the agent: "checksum" compares files with their digests.
       */
      name?: string;
      /**
       * Its settings. For "checksum": "MD5:<file>" or "SHA256:<file>", the file relative to the model's directory, with the digest in hexadecimal digits.
       */
      parameters?: {
        /**
         * Value of this setting.
         */
        [k: string]: string;
      };
    }[];
  };
  /**
   * Answering repeated requests from memory.
   */
  response_cache?: {
    /**
     * Whether responses are kept in the server's cache (`--cache-config`) and given to requests with the same content. Default: false.
     */
    enable?: boolean;
  };
  model_metrics?: ModelMetrics;
}
/**
 * Which versions of the model are served: exactly one of the members.
 */
export interface ModelVersionPolicy {
  /**
   * The newest versions.
   */
  latest?: {
    /**
     * Serve this many of the highest version numbers. At least 1.
     */
    num_versions: number;
  };
  /**
   * Every version in the model's directory.
   */
  all?: {};
  /**
   * A list of versions.
   */
  specific?: {
    /**
     * Version numbers to serve, where they exist. At least one.
     *
     * @minItems 1
     *
     * Items: A version number: the name of a version directory.
     */
    versions: number[];
  };
}
/**
 * A tensor that the model takes.
 */
export interface ModelInput {
  /**
   * The input's name in the model file. Has to be given.
   */
  name: string;
  data_type: DataType;
  /**
   * How an image is laid out: height, width, channels or channels, height, width; both need three `dims`. For readers only: the server does not convert. Default: FORMAT_NONE.
   */
  format?: "FORMAT_NONE" | "FORMAT_NHWC" | "FORMAT_NCHW";
  /**
   * Shape of one item, without the batch dimension: sizes of at least 1, or -1 for a dimension that varies. At least one entry.
   *
   * @minItems 1
   *
   * Items: One dimension: its size, or -1 when it varies.
   */
  dims: number[];
  reshape?: ModelTensorReshape;
  /**
   * Whether the tensor's values are a shape. Default: false. Not supported yet.
   */
  is_shape_tensor?: boolean;
  /**
   * Whether requests whose shapes differ may share a batch: the model then sees all elements of a batch one after the other, in a tensor of one dimension. `batch_input` tells it where each request begins. Only for models that batch. Default: false.
   */
  allow_ragged_batch?: boolean;
  /**
   * Whether a request may leave this input out. Requests share a batch only when they carry the same inputs. The onnxruntime backend allows it with `max_batch_size` 0 only. Default: false.
   */
  optional?: boolean;
  /**
   * Whether the tensor uses a non-linear TensorRT memory format. Default: false. Not supported yet.
   */
  is_non_linear_format_io?: boolean;
}
/**
 * The shape that the model itself sees, where it differs from the one that clients use.
 */
export interface ModelTensorReshape {
  /**
   * Shape of one item as the model sees it, without the batch dimension. It has as many elements as `dims`. Empty: one scalar per batch row, for batching models only. Default: empty.
   *
   * Items: One dimension: its size, or -1 when it varies.
   */
  shape?: number[];
}
/**
 * A tensor that the model gives.
 */
export interface ModelOutput {
  /**
   * The output's name in the model file. Has to be given.
   */
  name: string;
  data_type: DataType;
  /**
   * Shape of one item, without the batch dimension: sizes of at least 1, or -1 for a dimension that varies. At least one entry.
   *
   * @minItems 1
   *
   * Items: One dimension: its size, or -1 when it varies.
   */
  dims: number[];
  /**
   * File in the model's directory with one class name per line, for the classification extension. Default: none.
   */
  label_filename?: string;
  reshape?: ModelTensorReshape;
  /**
   * Whether the tensor's values are a shape. Default: false. Not supported yet.
   */
  is_shape_tensor?: boolean;
  /**
   * Whether the tensor uses a non-linear TensorRT memory format. Default: false. Not supported yet.
   */
  is_non_linear_format_io?: boolean;
}
/**
 * A tensor that the server makes from the composition of a batch.
 */
export interface BatchInput {
  /**
   * What the tensor holds: elements of each request; their running sum, without or with a leading 0; nothing, in a shape of the largest count; the shape of each item, as rows or one after the other. Default: BATCH_ELEMENT_COUNT.
   */
  kind?:
    | "BATCH_ELEMENT_COUNT"
    | "BATCH_ACCUMULATED_ELEMENT_COUNT"
    | "BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO"
    | "BATCH_MAX_ELEMENT_COUNT_AS_SHAPE"
    | "BATCH_ITEM_SHAPE"
    | "BATCH_ITEM_SHAPE_FLATTEN";
  /**
   * Names of the model's inputs that receive it. At least one.
   *
   * @minItems 1
   *
   * Items: Name of an input.
   */
  target_name: string[];
  data_type: DataType;
  /**
   * Name of the input that it describes: exactly one.
   *
   * @minItems 1
   * @maxItems 1
   *
   * Items: Name of an input.
   */
  source_input: string[];
}
/**
 * An output that is cut apart by the shapes of an input.
 */
export interface BatchOutput {
  /**
   * Names of the outputs that are cut. At least one.
   *
   * @minItems 1
   *
   * Items: Name of an output.
   */
  target_name: string[];
  /**
   * How they are cut: each request gets as many elements as `dims` has after every variable dimension has taken the size that the same dimension of its input has. Default: BATCH_SCATTER_WITH_INPUT_SHAPE.
   */
  kind?: "BATCH_SCATTER_WITH_INPUT_SHAPE";
  /**
   * Name of the input whose shape decides: exactly one.
   *
   * @minItems 1
   * @maxItems 1
   *
   * Items: Name of an input.
   */
  source_input: string[];
}
/**
 * What the backend may do to the model before it runs it.
 */
export interface ModelOptimizationPolicy {
  /**
   * Rewriting of the model's graph.
   */
  graph?: {
    /**
     * How far the graph is optimised. For onnxruntime: 0 everything, -1 basic, 1 extended, 2 nothing. Default: 0.
     */
    level?: number;
  };
  /**
   * Weight of the model against others. Default: PRIORITY_DEFAULT. Not supported yet.
   */
  priority?: "PRIORITY_DEFAULT" | "PRIORITY_MAX" | "PRIORITY_MIN";
  /**
   * Use of CUDA. Not supported yet.
   */
  cuda?: {
    /**
     * Whether executions are captured as CUDA graphs. Default: false.
     */
    graphs?: boolean;
    /**
     * Whether to wait by polling. Default: false.
     */
    busy_wait_events?: boolean;
    /**
     * Shapes to capture.
     *
     * Items: One capture.
     */
    graph_spec?: {
      /**
       * Rows of the batch.
       */
      batch_size?: number;
      /**
       * Shapes of the inputs.
       */
      input?: {
        [k: string]: CudaGraphShape;
      };
      /**
       * Smallest batch that may use the capture.
       */
      graph_lower_bound?: {
        /**
         * Rows of the batch.
         */
        batch_size?: number;
        /**
         * Shapes of the inputs.
         */
        input?: {
          [k: string]: CudaGraphShape;
        };
      };
    }[];
    /**
     * Whether outputs are copied on a stream of their own. Default: false.
     */
    output_copy_stream?: boolean;
  };
  /**
   * Accelerators that run the model or parts of it. Not supported yet.
   */
  execution_accelerators?: {
    /**
     * Accelerators for KIND_GPU, in order.
     */
    gpu_execution_accelerator?: ExecutionAccelerator[];
    /**
     * Accelerators for KIND_CPU, in order.
     */
    cpu_execution_accelerator?: ExecutionAccelerator[];
  };
  input_pinned_memory?: PinnedMemory;
  output_pinned_memory?: PinnedMemory;
  /**
   * Number of buffers from which inputs are gathered on the GPU. Default: 0. Not supported yet.
   */
  gather_kernel_buffer_threshold?: number;
  /**
   * Whether an instance gets its next batch while it still executes one, however long that takes. Keeps instances busy where gathering the inputs is slow; requests then join smaller batches and leave the reach of timeouts and cancellations earlier. Default: false, only for executions so short that the hand-over would show.
   */
  eager_batching?: boolean;
}
/**
 * The shape of an input.
 */
export interface CudaGraphShape {
  /**
   * The dimensions.
   *
   * Items: Size of a dimension.
   */
  dim?: number[];
}
/**
 * An accelerator and its settings.
 */
export interface ExecutionAccelerator {
  /**
   * Name of the accelerator.
   */
  name?: string;
  /**
   * Its settings.
   */
  parameters?: {
    /**
     * Value of this setting.
     */
    [k: string]: string;
  };
}
/**
 * Use of pinned memory.
 */
export interface PinnedMemory {
  /**
   * Whether to use it where there is any. Default: true. Not supported yet.
   */
  enable?: boolean;
}
/**
 * Rules by which requests of several clients are joined to one batch.
 */
export interface ModelDynamicBatching {
  /**
   * Batch sizes to prefer, each from 1 to `max_batch_size`. Default: `max_batch_size`.
   *
   * Items: A batch size in rows.
   */
  preferred_batch_size?: number[];
  /**
   * Longest time that the oldest request waits for others to join its batch, in µs. Raise it for larger batches, lower it for shorter latency. Default: 0, no waiting.
   */
  max_queue_delay_microseconds?: number;
  /**
   * Longest time from a request's arrival to its response, in µs; not in Triton. The server learns how long executions take, waits for company only as long as the oldest request's target allows, and refuses a request with UNAVAILABLE that could not be answered in time. Takes the place of `preferred_batch_size` and `max_queue_delay_microseconds`, and excludes priorities and policies that delay. Raise it for larger batches and fewer refusals, lower it for shorter latency. Default: 0, no target.
   */
  latency_target_microseconds?: number;
  /**
   * Inputs that are padded, by name, so that requests of different lengths share a batch; not in Triton. Default: none, and requests of different shapes run in batches of their own.
   */
  pad?: {
    [k: string]: ModelPadding;
  };
  /**
   * The largest part of each padded input of a batch that may be padding, from 0 to 1, not counting what `multiple_of` adds; not in Triton. A request that would bring more is passed over, and is in the next batch when it waits longest. 0 joins only equal lengths, 1 joins all. Raise it for larger batches, lower it when long inputs are costly. Default: 0.25.
   */
  max_padding_share?: number;
  /**
   * Whether responses leave in the order of their requests, over all instances. Excludes priorities and policies that delay. Default: false.
   */
  preserve_ordering?: boolean;
  /**
   * Number of priority levels, 1 being the highest. Nothing of a level is served while a higher one waits. Default: 0, no priorities.
   */
  priority_levels?: number;
  /**
   * Level of a request that names none, or one that does not exist. From 1 to `priority_levels` when there are any. Default: 0.
   */
  default_priority_level?: number;
  default_queue_policy?: ModelQueuePolicy;
  /**
   * Limits of the queue of a priority level, by level from 1 to `priority_levels`. Default: `default_queue_policy`.
   */
  priority_queue_policy?: {
    [k: string]: ModelQueuePolicy;
  };
}
/**
 * How an input is padded, so that requests of different lengths share a batch.
 */
export interface ModelPadding {
  /**
   * The dimension that is padded, one that is -1 in `dims`. The batch dimension is 0, so the first of `dims` is 1.
   */
  axis: number;
  /**
   * What is put behind the elements of shorter requests. Default: 0.
   */
  value?: number;
  /**
   * Name of an input of the model that the server fills, with 1 where a request has an element and 0 where there is padding: shape [batch, padded length]. Clients do not send it, and `input` does not list it. Default: none.
   */
  mask?: string;
  mask_data_type?: DataType;
  /**
   * The padded length is rounded up to a multiple of this, also for a request that runs alone. Fewer different shapes suit runtimes that prepare for each one. Default: 1.
   */
  multiple_of?: number;
  /**
   * Outputs that are as long as this input, and the dimension along which they are: each request gets its own length back. The batch dimension is 0. Default: none, and such outputs come padded.
   */
  outputs?: {
    /**
     * The dimension of this output that is cut.
     */
    [k: string]: number;
  };
}
/**
 * Limits of a queue.
 */
export interface ModelQueuePolicy {
  /**
   * What happens to a request that waited too long: REJECT fails it with UNAVAILABLE, DELAY serves it after all others of its level. Default: REJECT.
   */
  timeout_action?: "REJECT" | "DELAY";
  /**
   * How long a request may wait for its execution to begin, in µs. Default: 0, for ever.
   */
  default_timeout_microseconds?: number;
  /**
   * Whether the request parameter `timeout` may ask for a shorter time; it has no effect where `default_timeout_microseconds` is 0. Default: false.
   */
  allow_timeout_override?: boolean;
  /**
   * Most requests that wait; more are refused with UNAVAILABLE. Default: 0, any number.
   */
  max_queue_size?: number;
}
/**
 * Rules for models that keep state between the requests of a sequence.
 */
export interface ModelSequenceBatching {
  /**
   * A sequence that has nothing to do for so long ends, in µs. Default: 0, which is one second.
   */
  max_sequence_idle_microseconds?: number;
  /**
   * Inputs by which the model is told where a sequence starts and ends. They are not listed in `input`, and clients do not send them. Default: none.
   */
  control_input?: SequenceControlInput[];
  direct?: SequenceStrategyDirect;
  oldest?: SequenceStrategyOldest;
  /**
   * States that the server carries from one request of a sequence to the next. Default: none.
   */
  state?: SequenceState[];
  /**
   * Whether the model may have a request executed again, for which its backend must be able to ask (javascript). A request without a correlation id is then a sequence of its own, and the answer to its last request ends a sequence. Not together with `state`. Default: false.
   */
  iterative_sequence?: boolean;
}
/**
 * An input that the server fills. Its shape is [1] for each request.
 */
export interface SequenceControlInput {
  /**
   * Name of the model's input. Has to be given.
   */
  name: string;
  /**
   * What the input says. Exactly one entry.
   *
   * Items: One meaning of the input.
   */
  control: {
    /**
     * What is told: that this request begins the sequence, that the slot holds a request (and is not just filled up), that this request ends the sequence, or the sequence's correlation id. Default: CONTROL_SEQUENCE_START.
     */
    kind?:
      | "CONTROL_SEQUENCE_START"
      | "CONTROL_SEQUENCE_READY"
      | "CONTROL_SEQUENCE_END"
      | "CONTROL_SEQUENCE_CORRID";
    /**
     * The two INT32 values for false and true. START, READY and END need exactly one of the three lists.
     *
     * Items: A value.
     */
    int32_false_true?: number[];
    /**
     * The two FP32 values for false and true.
     *
     * Items: A value.
     */
    fp32_false_true?: number[];
    /**
     * The two BOOL values for false and true.
     *
     * Items: A value.
     */
    bool_false_true?: boolean[];
    data_type?: DataType;
  }[];
}
/**
 * Each sequence has a place of its own in the batch: the model finds it in the same row every time.
 */
export interface SequenceStrategyDirect {
  /**
   * Longest wait for other slots to fill, in µs. Default: 0.
   */
  max_queue_delay_microseconds?: number;
  /**
   * Part of the slots, from 0 to 1, that have to be filled to end the wait. Default: 0.
   */
  minimum_slot_utilization?: number;
}
/**
 * Requests of different sequences are batched as they come, at most one of each sequence.
 */
export interface SequenceStrategyOldest {
  /**
   * Most sequences that an instance serves at once; others wait. Default: 0 (as any number below 1), which is `max_batch_size`, at least 1.
   */
  max_candidate_sequences?: number;
  /**
   * Batch sizes to prefer. Default: `max_batch_size`.
   *
   * Items: A batch size in rows.
   */
  preferred_batch_size?: number[];
  /**
   * Longest wait of the oldest request, in µs. Default: 0.
   */
  max_queue_delay_microseconds?: number;
  /**
   * Whether the responses of an instance leave in the order in which their requests became ready, those of different sequences too. Default: false.
   */
  preserve_ordering?: boolean;
}
/**
 * A tensor that goes from one request of a sequence to the next. It stays inside the server.
 */
export interface SequenceState {
  /**
   * The model's input that receives it. Not listed in `input`. Has to be given.
   */
  input_name: string;
  /**
   * The model's output that gives its next value. Clients see it only if it is listed in `output` too. Has to be given.
   */
  output_name: string;
  data_type: DataType;
  /**
   * Shape without the batch dimension, -1 for a dimension that varies: it is 1 for the first request of a sequence. Has to be given.
   *
   * Items: One dimension: its size, or -1 when it varies.
   */
  dims: number[];
  /**
   * Its value at the start of a sequence, at most one entry. Default: zeros, and empty strings.
   *
   * Items: A first value.
   */
  initial_state?: {
    data_type: DataType;
    /**
     * Shape without the batch dimension, all sizes fixed. Has to be given.
     *
     * Items: One dimension: its size, or -1 when it varies.
     */
    dims: number[];
    /**
     * Start from zeros, and empty strings.
     */
    zero_data?: boolean;
    /**
     * Start from a file in the model's directory `initial_state/`: the elements, little-endian and row-major; strings each with its length as UINT32.
     */
    data_file?: string;
    /**
     * Name of this first value, for readers. Has to be given.
     */
    name: string;
  }[];
  /**
   * Whether a sequence keeps one copy of the state rather than two. It always does. Default: false.
   */
  use_same_buffer_for_input_output?: boolean;
  /**
   * Whether that copy lies in growable GPU memory. Default: false. Not supported yet.
   */
  use_growable_memory?: boolean;
}
/**
 * Models that are run one after the other as if they were one.
 */
export interface ModelEnsembling {
  /**
   * The models and how their tensors are joined.
   *
   * Items: One model of the ensemble.
   */
  step?: {
    /**
     * Name of the model.
     */
    model_name: string;
    /**
     * Version of the model, -1 for the newest. Default: -1. In a config.pbtxt, as in Triton, the default is version 0, which hardly anybody has.
     */
    model_version?: number;
    /**
     * For each of the model's inputs, the ensemble's tensor.
     */
    input_map?: {
      /**
       * Name of a tensor of the ensemble.
       */
      [k: string]: string;
    };
    /**
     * For each of the model's outputs, the ensemble's tensor.
     */
    output_map?: {
      /**
       * Name of a tensor of the ensemble.
       */
      [k: string]: string;
    };
    /**
     * Repository of the model, where names repeat. Not supported yet.
     */
    model_namespace?: string;
  }[];
  /**
   * Most requests of all clients inside each step at once; others wait before it. Default: 0, any number.
   */
  max_inflight_requests?: number;
}
/**
 * Some equal instances of the model.
 */
export interface ModelInstanceGroup {
  /**
   * Name of the group; its instances are called by it and a number. Default: the model's name and the group's position.
   */
  name?: string;
  /**
   * Where the instances run. KIND_AUTO is KIND_GPU when `gpus` are listed and KIND_CPU otherwise. Default: KIND_AUTO.
   */
  kind?: "KIND_AUTO" | "KIND_GPU" | "KIND_CPU" | "KIND_MODEL";
  /**
   * Instances of the model, for KIND_GPU on each GPU. 0: the default, which is 1 on a GPU and what the backend prefers on the CPU (onnxruntime: 2).
   */
  count?: number;
  rate_limiter?: ModelRateLimiter;
  /**
   * Numbers of the GPUs to use, for KIND_GPU. Default: all that the backend finds.
   *
   * Items: Number of a GPU, from 0.
   */
  gpus?: number[];
  /**
   * Further devices of an instance. Default: none. Not supported yet.
   *
   * Items: A further device.
   */
  secondary_devices?: {
    /**
     * Kind of the device. Default: KIND_NVDLA.
     */
    kind?: "KIND_NVDLA";
    /**
     * Number of the device.
     */
    device_id?: number;
  }[];
  /**
   * Optimisation profiles to use. Default: none. Not supported yet.
   *
   * Items: Name or number of a profile.
   */
  profile?: string[];
  /**
   * Whether the instances are loaded without ever being given work. At least one group of a model has to be given some. Default: false.
   */
  passive?: boolean;
  /**
   * Name of the host policy, which places an instance on cores and memory. Default: by kind and device. Not supported yet.
   */
  host_policy?: string;
}
/**
 * What an execution of an instance needs, and how important it is.
 */
export interface ModelRateLimiter {
  /**
   * Resources held while executing.
   *
   * Items: A resource.
   */
  resources?: {
    /**
     * Name of the resource.
     */
    name?: string;
    /**
     * Whether all devices share it. Default: false.
     */
    global?: boolean;
    /**
     * How many of it an execution takes.
     */
    count?: number;
  }[];
  /**
   * Weight of the instances: with 2 they run half as often as with 1. 0 is 1.
   */
  priority?: number;
}
/**
 * One setting of a backend.
 */
export interface ModelParameter {
  /**
   * The setting's value, always as text. Default: the empty text.
   */
  string_value?: string;
}
/**
 * A request that is run when the model is loaded.
 */
export interface ModelWarmup {
  /**
   * Name of the sample.
   */
  name?: string;
  /**
   * Rows of the batch. 0: the sample is skipped.
   */
  batch_size?: number;
  /**
   * The inputs by name.
   */
  inputs?: {
    /**
     * An input.
     */
    [k: string]: {
      data_type?: DataType;
      /**
       * Shape without the batch dimension, all sizes fixed.
       *
       * Items: One dimension: its size, or -1 when it varies.
       */
      dims?: number[];
      /**
       * Filled with zeros.
       */
      zero_data?: boolean;
      /**
       * Filled with random values.
       */
      random_data?: boolean;
      /**
       * Filled from a file in `warmup/`.
       */
      input_data_file?: string;
    };
  };
  /**
   * How often it is run. 0 is once.
   */
  count?: number;
}
/**
 * Changes to the model's metrics.
 */
export interface ModelMetrics {
  /**
   * Changes, one metric each; the last one for a metric counts.
   *
   * Items: A change to one metric.
   */
  metric_control?: {
    /**
     * The metric. Needed.
     */
    metric_identifier?: {
      /**
       * Name of the metric; `nv_inference_first_response_histogram_ms` is the only one with buckets to choose.
       */
      family?: string;
    };
    /**
     * How the metric is divided. Needed.
     */
    histogram_options?: {
      /**
       * Upper bounds of the buckets, in the metric's unit, ascending. One without a bound comes in addition. Default: 100, 500, 2000, 5000.
       *
       * Items: An upper bound.
       */
      buckets?: number[];
    };
  }[];
}
