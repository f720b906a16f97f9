/**
 * Operations that the graph executor of TensorFlow.js 4.22 runs, by TensorFlow's name. Left out although it knows them:
 * lookup tables, decision forests and printing, whose state or effect is lost on the way through the importer, and what has
 * complex numbers, which the WASM engine does not hold.
 */
const text = `
Abs Acos Acosh Add AddN AddV2 All Any ArgMax ArgMin Asin Asinh Atan Atan2 Atanh AvgPool AvgPool3D
BatchMatMul BatchMatMulV2 BatchToSpaceND BiasAdd Bincount BitwiseAnd BroadcastArgs BroadcastTo Cast
Ceil ClipByValue Concat ConcatV2 Const Conv1D Conv2D Conv2DBackpropInput Conv3D
Cos Cosh CropAndResize Cumprod Cumsum DenseBincount DepthToSpace DepthwiseConv2d
DepthwiseConv2dNative Dilation2D Div DivNoNan Einsum Elu EmptyTensorList EnsureShape Enter Equal Erf
EuclideanNorm Exit Exp ExpandDims Expm1 FakeQuantWithMinMaxVars Fill Floor FloorDiv FloorMod
FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 FusedDepthwiseConv2dNative Gather GatherNd GatherV2
Greater GreaterEqual Identity ImageProjectiveTransformV3 IsFinite IsInf IsNan LRN
LeakyRelu Less LessEqual LinSpace ListDiff Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr
LoopCond LowerBound MatMul MatrixBandPart Max MaxPool MaxPool3D MaxPoolWithArgmax Maximum Mean Merge
Min Minimum MirrorPad Mod Mul Multinomial Neg NextIteration NonMaxSuppressionV2 NonMaxSuppressionV3
NonMaxSuppressionV4 NonMaxSuppressionV5 NotEqual OneHot OnesLike Pack Pad PadV2 Placeholder
PlaceholderWithDefault Pow Prelu Prod RaggedGather RaggedRange RaggedTensorToTensor
RandomStandardNormal RandomUniform RandomUniformInt Range Rank RealDiv Reciprocal Relu Relu6
Reshape ResizeBilinear ResizeNearestNeighbor Reverse ReverseV2 Round Rsqrt ScatterNd Select SelectV2
Selu Shape ShapeN Sigmoid Sign Sin Sinh Size Slice Softmax Softplus SpaceToBatchND
SparseFillEmptyRows SparseReshape SparseSegmentMean SparseSegmentSum SparseToDense Split SplitV Sqrt
Square SquaredDifference Squeeze StatelessIf StatelessWhile StaticRegexReplace StridedSlice
StringNGrams StringSplit StringToHashBucketFast Sub Sum Switch Tan Tanh TensorArrayCloseV3
TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayReadV3 TensorArrayScatterV3 TensorArraySizeV3
TensorArraySplitV3 TensorArrayV3 TensorArrayWriteV3 TensorListConcat TensorListConcatV2
TensorListFromTensor TensorListGather TensorListGetItem TensorListLength TensorListPopBack
TensorListPushBack TensorListReserve TensorListResize TensorListScatter TensorListScatterV2
TensorListSetItem TensorListSplit TensorListStack TensorScatterUpdate Tile TopKV2 Transpose
TruncatedNormal Unique UniqueV2 Unpack UpperBound Where ZerosLike _FusedConv2D _FusedMatMul
`;

/** @see test "executorOperations", which compares them with the executor's own tables. */
export const executorOperations: ReadonlySet<string> = new Set(text.trim().split(/\s+/));
