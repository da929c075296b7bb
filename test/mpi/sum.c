/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An MPI program: each rank says who it is, and what all ranks' numbers (1, 2,
 * 3...) come to. */
#include <mpi.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	int rank, size, mine, sum = 0;

	if (MPI_Init(&argc, &argv) != MPI_SUCCESS)
		return 1;
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	mine = rank + 1;
	MPI_Allreduce(&mine, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
	printf("rank %d of %d: %d\n", rank, size, sum);
	return MPI_Finalize();
}
