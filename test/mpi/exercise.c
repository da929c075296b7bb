/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An MPI program that uses what libraries do differently within a node and
 * between nodes: a token round the ring, sums, messages small and large (the
 * latter copied from memory to memory, where that can be), one-sided access
 * (unless argv[1] is "two-sided"). Each rank says that all of it was right.
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGE (4 << 20)

static int rank, size;

static void want(int got, int wanted, const char *what)
{
	if (got == wanted)
		return;
	fprintf(stderr, "rank %d: %s: %d instead of %d\n", rank, what, got,
		wanted);
	MPI_Abort(MPI_COMM_WORLD, 1);
}

static void ring(void)
{
	int token = 0, next = (rank + 1) % size, last = (rank + size - 1) % size;

	if (rank)
		MPI_Recv(&token, 1, MPI_INT, last, 0, MPI_COMM_WORLD,
			 MPI_STATUS_IGNORE);
	want(token, rank, "token");
	token++;
	MPI_Send(&token, 1, MPI_INT, next, 0, MPI_COMM_WORLD);
	if (!rank) {
		MPI_Recv(&token, 1, MPI_INT, last, 0, MPI_COMM_WORLD,
			 MPI_STATUS_IGNORE);
		want(token, size, "token after the ring");
	}
}

static void sums(void)
{
	int mine = rank + 1, sum = 0;

	MPI_Allreduce(&mine, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
	want(sum, size * (size + 1) / 2, "allreduce");
}

static void large(void)
{
	int next = (rank + 1) % size, last = (rank + size - 1) % size;
	char *out = malloc(LARGE), *in = calloc(1, LARGE);

	for (int i = 0; i < LARGE; i++)
		out[i] = (rank * 7 + i) % 127;
	MPI_Sendrecv(out, LARGE, MPI_CHAR, next, 1, in, LARGE, MPI_CHAR, last,
		     1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	for (int i = 0; i < LARGE; i += 4093)
		want(in[i], (last * 7 + i) % 127, "large message");
	free(out);
	free(in);
}

static void one_sided(void)
{
	int *base, got = -1, put = 1000 + rank, next = (rank + 1) % size;
	MPI_Win win;

	MPI_Win_allocate(2 * sizeof(int), sizeof(int), MPI_INFO_NULL,
			 MPI_COMM_WORLD, &base, &win);
	base[0] = rank;
	base[1] = -1;
	MPI_Win_fence(0, win);
	MPI_Put(&put, 1, MPI_INT, next, 1, 1, MPI_INT, win);
	MPI_Get(&got, 1, MPI_INT, next, 0, 1, MPI_INT, win);
	MPI_Win_fence(0, win);
	want(got, next, "get");
	want(base[1], 1000 + (rank + size - 1) % size, "put");
	MPI_Win_free(&win);
}

int main(int argc, char **argv)
{
	if (MPI_Init(&argc, &argv) != MPI_SUCCESS)
		return 1;
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	ring();
	sums();
	large();
	if (argc < 2 || strcmp(argv[1], "two-sided"))
		one_sided();
	printf("rank %d of %d: ok\n", rank, size);
	return MPI_Finalize();
}
