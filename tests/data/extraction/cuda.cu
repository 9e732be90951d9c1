#include <cuda_runtime.h>

#define BLOCK 256
constexpr int kLimit = 10;

// Adds two vectors.
__global__ void addVectors(const float *a, const float *b, float *c, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) c[i] = a[i] + b[i];
}

__device__ __forceinline__ float square(float x) {
    return x * x;
}

template <typename T, int N>
__global__ void __launch_bounds__(BLOCK) reduce(T *data) {
    __shared__ T shared[BLOCK];
    shared[threadIdx.x] = data[threadIdx.x];
    __syncthreads();
}

struct Grid {
    __host__ __device__ int size() const { return n; }
    int n;
};

namespace shop {

/** Runs it. */
void launch(float *a, float *b, float *c, int n, cudaStream_t stream) {
    addVectors<<<(n + BLOCK - 1) / BLOCK, BLOCK, 0, stream>>>(a, b, c, n);
    reduce<float, 4><<<1, BLOCK>>>(a);
    cudaDeviceSynchronize();
}

}  // namespace shop

int broken( {
    return (;

__host__ int found(int a) {
    return a + 1;
}
