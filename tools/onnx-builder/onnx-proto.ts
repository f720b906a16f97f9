import protobuf from "protobufjs";

/**
 * The part of the ONNX format that the builder writes. Names and numbers are those of onnx/onnx.proto in
 * github.com/onnx/onnx. proto2 matters: repeated integers are not packed, and a field that is set to 0 is written,
 * which tells an attribute of 0 from none.
 */
const { root } = protobuf.parse(`
  syntax = "proto2";
  package onnx;

  message ModelProto {
    optional int64 ir_version = 1;
    optional string producer_name = 2;
    optional GraphProto graph = 7;
    repeated OperatorSetIdProto opset_import = 8;
  }
  message OperatorSetIdProto {
    optional string domain = 1;
    optional int64 version = 2;
  }
  message GraphProto {
    repeated NodeProto node = 1;
    optional string name = 2;
    repeated TensorProto initializer = 5;
    repeated ValueInfoProto input = 11;
    repeated ValueInfoProto output = 12;
  }
  message NodeProto {
    repeated string input = 1;
    repeated string output = 2;
    optional string name = 3;
    optional string op_type = 4;
    repeated AttributeProto attribute = 5;
  }
  message AttributeProto {
    enum AttributeType {
      UNDEFINED = 0;
      FLOAT = 1;
      INT = 2;
      STRING = 3;
      GRAPH = 5;
      INTS = 7;
    }
    optional string name = 1;
    optional float f = 2;
    optional int64 i = 3;
    optional bytes s = 4;
    optional GraphProto g = 6;
    repeated int64 ints = 8;
    optional AttributeType type = 20;
  }
  message TensorProto {
    repeated int64 dims = 1;
    optional int32 data_type = 2;
    repeated bytes string_data = 6;
    optional string name = 8;
    optional bytes raw_data = 9;
  }
  message ValueInfoProto {
    optional string name = 1;
    optional TypeProto type = 2;
  }
  message TypeProto {
    message Tensor {
      optional int32 elem_type = 1;
      optional TensorShapeProto shape = 2;
    }
    optional Tensor tensor_type = 1;
  }
  message TensorShapeProto {
    message Dimension {
      optional int64 dim_value = 1;
      optional string dim_param = 2;
    }
    repeated Dimension dim = 1;
  }
`);

/** The message that an ONNX file consists of. Its fields have the names above in camelCase. */
export const ModelProto: protobuf.Type = root.lookupType("onnx.ModelProto");

/** Numbers of the attribute kinds, by their names in `AttributeType`. */
export const attributeTypes: Readonly<Record<string, number>> = root.lookupEnum(
  "onnx.AttributeProto.AttributeType",
).values;
