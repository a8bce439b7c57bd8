//! Convolutions of the yardstick networks, forward and backward, in GFLOP/s of the whole batch.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use keel_kernels::Buffer;
use keel_kernels::convolution::{BatchGradient, BatchGradientOutput, Convolution, ConvolutionShape};
use keel_kernels::parallel::workers;

const BATCH: usize = 128;

fn shape(size: usize, in_channels: usize, out_channels: usize, stride: usize) -> ConvolutionShape {
    ConvolutionShape {
        height: size,
        width: size,
        in_channels,
        out_channels,
        kernel: [3, 3],
        stride: [stride; 2],
        padding: [[1, 1], [1, 1]],
        dilation: [1, 1],
        groups: 1,
    }
}

fn ones(length: usize) -> Buffer {
    let mut buffer = Buffer::zeroed(length);
    buffer.fill(1.0);
    buffer
}

fn convolutions(criterion: &mut Criterion) {
    let cases = [
        shape(32, 3, 32, 1),
        shape(16, 32, 64, 1),
        shape(32, 16, 16, 1),
        shape(16, 32, 32, 1),
        shape(8, 64, 64, 1),
        shape(32, 16, 32, 2),
    ];
    let mut group = criterion.benchmark_group("convolution");
    group.sample_size(10);
    for shape in cases {
        let convolution = Convolution::new(shape);
        let name = format!(
            "{}x{} {}->{} /{}",
            shape.height, shape.width, shape.in_channels, shape.out_channels, shape.stride[0]
        );
        let (input, weights) = (ones(BATCH * shape.input_length()), ones(shape.weight_length()));
        let mut output = ones(BATCH * shape.output_length());
        let mut scratch = Buffer::zeroed(convolution.forward_scratch(workers()));
        group.throughput(Throughput::Elements(2 * (BATCH * shape.multiply_adds()) as u64));
        group.bench_function(BenchmarkId::new("forward", &name), |bencher| {
            bencher.iter(|| convolution.forward_batch(&input, (&weights, None), &mut output, &mut scratch));
        });
        let mut scratch = Buffer::zeroed(convolution.backward_scratch(BATCH, workers()));
        let (mut grad_input, mut grad_weights) = (ones(input.len()), ones(weights.len()));
        group.throughput(Throughput::Elements(4 * (BATCH * shape.multiply_adds()) as u64));
        group.bench_function(BenchmarkId::new("backward", &name), |bencher| {
            bencher.iter(|| {
                let read = BatchGradient { batch: BATCH, input: &input, grad_output: &output, weights: &weights };
                let (grad_input, grad_weights) = (&mut grad_input[..], &mut grad_weights[..]);
                let write = BatchGradientOutput { grad_input, grad_weights, grad_bias: &mut [] };
                convolution.backward_batch(read, write, &mut scratch);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, convolutions);
criterion_main!(benches);
