import protobuf from "protobufjs";

/**
 * What a client needs of TensorFlow Serving's PredictionService. Field numbers and types are the protocol's; messages
 * and fields that are not used here are left out, which protobuf allows.
 */
const definitions = `
syntax = "proto3";

message TensorShape {
  message Dim { int64 size = 1; }
  repeated Dim dim = 2;
  bool unknown_rank = 3;
}

message Tensor {
  int32 dtype = 1;
  TensorShape tensor_shape = 2;
  bytes tensor_content = 4;
  repeated float float_val = 5;
  repeated double double_val = 6;
  repeated int32 int_val = 7;
  repeated bytes string_val = 8;
  repeated int64 int64_val = 10;
  repeated bool bool_val = 11;
  repeated int32 half_val = 13;
  repeated uint32 uint32_val = 16;
  repeated uint64 uint64_val = 17;
}

message Version { int64 value = 1; }

message ModelSpec {
  string name = 1;
  Version version = 2;
  string signature_name = 3;
}

message PredictRequest {
  ModelSpec model_spec = 1;
  map<string, Tensor> inputs = 2;
}

message PredictResponse { map<string, Tensor> outputs = 1; }

message MetadataRequest {
  ModelSpec model_spec = 1;
  repeated string metadata_field = 2;
}

message Packed {
  string type_url = 1;
  bytes value = 2;
}

message MetadataResponse { map<string, Packed> metadata = 2; }

message TensorInfo {
  int32 dtype = 2;
  TensorShape tensor_shape = 3;
}

message Signature {
  map<string, TensorInfo> inputs = 1;
  map<string, TensorInfo> outputs = 2;
}

message Signatures { map<string, Signature> signature_def = 1; }
`;

const { root } = protobuf.parse(definitions, { keepCase: true });

/** The messages, by the names above. */
export type PredictMessage =
  | "PredictRequest"
  | "PredictResponse"
  | "MetadataRequest"
  | "MetadataResponse"
  | "Signatures"
  | "Tensor";

/** The bytes of a message. */
export function encodePredictMessage(
  name: PredictMessage,
  fields: Readonly<Record<string, unknown>>,
): Uint8Array {
  const type = root.lookupType(name);
  return type.encode(type.fromObject(fields)).finish();
}

/** The fields of a message; 64-bit integers as texts. @throws Error when it is none. */
export function decodePredictMessage(
  name: PredictMessage,
  bytes: Uint8Array,
): Readonly<Record<string, unknown>> {
  const type = root.lookupType(name);
  return type.toObject(type.decode(bytes), { longs: String, arrays: true, objects: true });
}
