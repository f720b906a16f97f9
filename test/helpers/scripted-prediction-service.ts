import { Metadata, Server, ServerCredentials, type UntypedHandleCall } from "@grpc/grpc-js";
import protobuf from "protobufjs";

/** The part of TensorFlow Serving's protocol that the test's server speaks, written down apart from the client's. */
const types = protobuf.parse(
  `
  syntax = "proto3";
  package tensorflow.serving;
  message Any { string type_url = 1; bytes value = 2; }
  message Int64Value { int64 value = 1; }
  message TensorShapeProto {
    message Dim { int64 size = 1; string name = 2; }
    repeated Dim dim = 2;
    bool unknown_rank = 3;
  }
  enum DataType { DT_INVALID = 0; DT_FLOAT = 1; DT_DOUBLE = 2; DT_INT32 = 3; DT_STRING = 7; DT_INT64 = 9; DT_HALF = 19; }
  message TensorProto {
    DataType dtype = 1;
    TensorShapeProto tensor_shape = 2;
    int32 version_number = 3;
    bytes tensor_content = 4;
    repeated int32 half_val = 13;
    repeated float float_val = 5;
    repeated bytes string_val = 8;
    repeated int64 int64_val = 10;
  }
  message ModelSpec { string name = 1; Int64Value version = 2; string signature_name = 3; string version_label = 4; }
  message PredictRequest { ModelSpec model_spec = 1; map<string, TensorProto> inputs = 2; repeated string output_filter = 3; }
  message PredictResponse { ModelSpec model_spec = 2; map<string, TensorProto> outputs = 1; }
  message GetModelMetadataRequest { ModelSpec model_spec = 1; repeated string metadata_field = 2; }
  message GetModelMetadataResponse { ModelSpec model_spec = 1; map<string, Any> metadata = 2; }
  message TensorInfo { string name = 1; DataType dtype = 2; TensorShapeProto tensor_shape = 3; }
  message SignatureDef { map<string, TensorInfo> inputs = 1; map<string, TensorInfo> outputs = 2; string method_name = 3; }
  message SignatureDefMap { map<string, SignatureDef> signature_def = 1; }
  `,
  { keepCase: true },
).root;

type Fields = Readonly<Record<string, unknown>>;

function encode(type: string, fields: Fields): Buffer {
  const messageType = types.lookupType(`tensorflow.serving.${type}`);
  return Buffer.from(messageType.encode(messageType.fromObject(fields)).finish());
}

function decode(type: string, bytes: Buffer): Fields {
  const messageType = types.lookupType(`tensorflow.serving.${type}`);
  return messageType.toObject(messageType.decode(bytes), { longs: Number, enums: String });
}

/** What a test's PredictionService does. */
export interface PredictionScript {
  /** By name: `{inputs: {x: {dtype, tensor_shape}}, outputs: …}`. */
  readonly signatures: Fields;
  /** The `outputs` of a response, or the refusal. */
  predict(request: Fields): Fields | { readonly code: number; readonly details: string };
}

type UnaryCall = (
  call: { readonly request: Buffer },
  answer: (error: { code: number; details: string; metadata: Metadata } | null, reply?: Buffer) => void,
) => void;

/** TensorFlow Serving's PredictionService over gRPC. */
export class ScriptedPredictionService {
  readonly seen: Fields[] = [];
  readonly #server = new Server();
  #port = 0;

  static async start(script: PredictionScript): Promise<ScriptedPredictionService> {
    const service = new ScriptedPredictionService();
    const pass = (bytes: Buffer): Buffer => bytes;
    const method = (name: string): object => ({
      path: `/tensorflow.serving.PredictionService/${name}`,
      requestStream: false,
      responseStream: false,
      requestSerialize: pass,
      requestDeserialize: pass,
      responseSerialize: pass,
      responseDeserialize: pass,
    });
    const metadata: UnaryCall = (call, answer) => {
      const { model_spec: spec } = decode("GetModelMetadataRequest", call.request) as {
        model_spec: { name: string };
      };
      if (spec.name !== "half_plus_two") {
        answer({
          code: 5,
          details: `Servable not found for request: Latest(${spec.name})`,
          metadata: new Metadata(),
        });
        return;
      }
      const value = encode("SignatureDefMap", { signature_def: script.signatures });
      const packed = { type_url: "type.googleapis.com/tensorflow.serving.SignatureDefMap", value };
      answer(null, encode("GetModelMetadataResponse", { metadata: { signature_def: packed } }));
    };
    const predict: UnaryCall = (call, answer) => {
      const request = decode("PredictRequest", call.request);
      service.seen.push(request);
      const outputs = script.predict(request);
      if (typeof outputs["code"] === "number") {
        answer({ code: outputs["code"], details: String(outputs["details"]), metadata: new Metadata() });
      } else {
        answer(null, encode("PredictResponse", { outputs }));
      }
    };
    service.#server.addService(
      { Predict: method("Predict"), GetModelMetadata: method("GetModelMetadata") } as never,
      { Predict: predict as UntypedHandleCall, GetModelMetadata: metadata as UntypedHandleCall },
    );
    service.#port = await new Promise<number>((resolve, reject) => {
      service.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    return service;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}
