/**
 * The kernels in groups, each a binary of its own (with and without SIMD) in a module of its own: a bundler leaves out the
 * groups that a page does not use, since learning needs neither networks nor feed-forward layers. assembly/<name>.ts says
 * what goes into a binary; here stand the types of what it exports.
 */
import { scalar as layersScalar, simd as layersSimd } from './generated/layers.ts';
import { scalar as learningScalar, simd as learningSimd } from './generated/learning.ts';
import { scalar as learningF32Scalar, simd as learningF32Simd } from './generated/learning-f32.ts';
import { scalar as networksScalar, simd as networksSimd } from './generated/networks.ts';
import { scalar as transformsScalar, simd as transformsSimd } from './generated/transforms.ts';

/** Two binaries with the same exports, as text. */
export interface KernelGroup<Exports> {
  readonly name: string;
  readonly simd: string;
  readonly scalar: string;
  /** Never there: carries the type. */
  readonly exports?: Exports;
}

/** Operators on monomials by blocks. */
export interface BlockKernels {
  adjointItem(plan: number, item: number, scratch: number): void;
  forwardItem(plan: number, item: number, scratch: number, sums: number, row0: number, row1: number): void;
  cutBlock(low: number, high: number, out: number, shift: number, g: number, rowCount: number): void;
}

/** Operators on monomials over the whole cube. */
export interface CubeKernels {
  cubeScatter(codes: number, values: number, table: number, rowCount: number): void;
  cubeGather(codes: number, values: number, table: number, rowCount: number): void;
  walshHadamardF64(data: number, logSize: number): void;
}

/** Chosen parities as bit columns. */
export interface ColumnKernels {
  columnsOfPlane(plane: number, panel: number, wordCount: number): void;
  columnXor(list: number, listCount: number, column: number, wordCount: number): void;
  columnXorWords(bits: number, column: number, out: number, wordCount: number): void;
  columnCopy(from: number, to: number, wordCount: number): void;
  columnDifferences(
    column: number,
    step: number,
    mask: number,
    panels: number,
    panelBytes: number,
    panelCount: number,
    wordCount: number,
    counts: number,
  ): void;
  columnSigned(column: number, values: number, out: number, wordCount: number): void;
  columnCorrelations(
    values: number,
    panels: number,
    panelCount: number,
    wordCount: number,
    sums: number,
    tables: number,
  ): void;
  columnCombination(
    coefficients: number,
    panels: number,
    panelCount: number,
    wordCount: number,
    out: number,
    tables: number,
  ): void;
}

export interface TransformKernels {
  walshHadamardF32(data: number, logSize: number): void;
  walshHadamardF64(data: number, logSize: number): void;
}

export interface NetworkKernels {
  networkItem(plan: number, chunk: number, scratch: number, block0: number, block1: number): void;
  grayItems(plan: number, scratch: number, item0: number, item1: number): void;
  addRows(from: number, to: number, narrow: number, wide: number, list: number, added: number, taken: number): void;
  readState(plan: number): void;
}

export interface LayerKernels {
  mlpForward(plan: number, way: number, upItems: number, downItems: number, screen: number): void;
  mlpItem(plan: number, item: number): void;
  mlpQuantise(plan: number): void;
  mlpFinishProjection(plan: number): void;
  mlpGather(plan: number, itemCount: number): void;
  markListed(plan: number, count: number): void;
  mlpScreenCalibrated(plan: number): number;
}

export const learning: KernelGroup<BlockKernels & CubeKernels & ColumnKernels> = {
  name: 'learning',
  simd: learningSimd,
  scalar: learningScalar,
};

export const learningF32: KernelGroup<BlockKernels> = {
  name: 'learning-f32',
  simd: learningF32Simd,
  scalar: learningF32Scalar,
};

export const transforms: KernelGroup<TransformKernels> = {
  name: 'transforms',
  simd: transformsSimd,
  scalar: transformsScalar,
};

export const networks: KernelGroup<NetworkKernels> = {
  name: 'networks',
  simd: networksSimd,
  scalar: networksScalar,
};

export const layers: KernelGroup<LayerKernels> = {
  name: 'layers',
  simd: layersSimd,
  scalar: layersScalar,
};
