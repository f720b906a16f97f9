/** A change of the addon's source, made in a copy before it is compiled. */
export interface AddonRepair {
  /** Relative to the package's `binding` folder. */
  readonly file: string;
  /** Why the source as published cannot serve requests. */
  readonly reason: string;
  /** Text that is there exactly once. */
  readonly find: string;
  readonly replacement: string;
}

/**
 * What version 4.22.0 of the addon needs before several threads can use it for as long as a server runs. The last one
 * tells the server that the others are in.
 */
export const addonRepairs: readonly AddonRepair[] = [
  {
    file: "tfjs_backend.cc",
    reason:
      "names of attributes are kept in one set for the whole process, to which all threads add without a lock",
    find: "static std::set<std::string> ATTR_NAME_SET;",
    replacement: "static thread_local std::set<std::string> ATTR_NAME_SET;",
  },
  {
    file: "tfjs_backend.cc",
    reason: "strings that come from JavaScript get an owner that frees them with their tensor",
    find: "// Creates a TFE_TensorHandle from a JS array of Uint8Array values.",
    replacement: `static const std::align_val_t kStringAlignment{64};

static void FreeStrings(void *data, size_t length, void *) {
  TF_TString *strings = static_cast<TF_TString *>(data);
  for (size_t i = 0; i < length / sizeof(TF_TString); i++) TF_TString_Dealloc(strings + i);
  ::operator delete(data, kStringAlignment);
}

static TF_Tensor *NewStringTensor(const int64_t *shape, uint32_t rank, uint32_t count) {
  const size_t bytes = count * sizeof(TF_TString);
  void *data = ::operator new(bytes == 0 ? sizeof(TF_TString) : bytes, kStringAlignment);
  for (uint32_t i = 0; i < count; i++) TF_TString_Init(static_cast<TF_TString *>(data) + i);
  return TF_NewTensor(TF_STRING, shape, rank, data, bytes, FreeStrings, nullptr);
}

// Creates a TFE_TensorHandle from a JS array of Uint8Array values.`,
  },
  {
    file: "tfjs_backend.cc",
    reason: "makes such a tensor",
    find: `  TF_AutoTensor tensor(TF_AllocateTensor(TF_DataType::TF_STRING, shape,
                                         shape_length,
                                         array_length * sizeof(TF_TString)));
`,
    replacement: "  TF_AutoTensor tensor(NewStringTensor(shape, shape_length, array_length));\n",
  },
  {
    file: "tfjs_backend.cc",
    reason:
      "deleting an output frees its strings although the graph may hold the same memory: a constant is empty from the second run on",
    find: `  if (TFE_TensorHandleDataType(tensor_handle) == TF_STRING) {
    TF_AutoStatus tf_status;
    TF_AutoTensor tensor(
        TFE_TensorHandleResolve(tensor_handle, tf_status.status));
    ENSURE_TF_OK(env, tf_status);
    size_t num_elements = GetTensorNumElements(tensor.tensor);
    TF_TString *data = reinterpret_cast<TF_TString *>(TF_TensorData(tensor.tensor));

    // Deallocate each string
    for (size_t i = 0; i < num_elements; i++) {
      TF_TString_Dealloc(data + i);
    }
  };
`,
    replacement: "",
  },
  {
    file: "tfjs_backend.cc",
    reason: "a run that fails keeps its inputs for ever",
    find: '    NAPI_THROW_ERROR(env, "Session fail to run with error: %s",',
    replacement: `    for (TF_Tensor *value : input_values) TF_DeleteTensor(value);
    for (const char *name : input_op_name_array) delete[] name;
    for (const char *name : output_op_name_array) delete[] name;
    NAPI_THROW_ERROR(env, "Session fail to run with error: %s",`,
  },
  {
    file: "utils.h",
    reason: "what TensorFlow says of an error is cut off after 500 characters",
    find: `  char buffer[500];
  va_list args;
  va_start(args, message);
  std::vsnprintf(buffer, 500, message, args);`,
    replacement: `  char buffer[4000];
  va_list args;
  va_start(args, message);
  std::vsnprintf(buffer, sizeof(buffer), message, args);`,
  },
  {
    file: "tfjs_binding.cc",
    reason: "tells which addon this is",
    find: "  EXPORT_INT_PROPERTY(TF_ATTR_SHAPE);",
    replacement: `  EXPORT_INT_PROPERTY(TF_ATTR_SHAPE);
  AssignIntProperty(env, exports, "NEREID_ADDON_REPAIRS", 1);`,
  },
];

/**
 * Makes the repairs of one file.
 *
 * @throws Error when the source is not the one that they were written for.
 */
export function repairSource(file: string, source: string): string {
  let repaired = source;
  for (const { find, replacement, reason } of addonRepairs.filter((repair) => repair.file === file)) {
    if (repaired.split(find).length !== 2)
      throw new Error(
        `the addon's ${file} is not that of version 4.22.0: there is no place to repair (${reason})`,
      );
    repaired = repaired.replace(find, () => replacement);
  }
  return repaired;
}
