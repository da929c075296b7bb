/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Half the time that a byte takes from one rank to another and back, in
 * microseconds: the median of many rounds. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 200
#define EACH 50

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static double took[ROUNDS];
	char byte = 0;
	int rank;

	if (MPI_Init(&argc, &argv) != MPI_SUCCESS)
		return 1;
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	for (int i = 0; i < ROUNDS; i++) {
		double begin = MPI_Wtime();

		for (int j = 0; j < EACH; j++) {
			if (rank == 0)
				MPI_Send(&byte, 1, MPI_CHAR, 1, 0,
					 MPI_COMM_WORLD);
			MPI_Recv(&byte, 1, MPI_CHAR, !rank, 0, MPI_COMM_WORLD,
				 MPI_STATUS_IGNORE);
			if (rank == 1)
				MPI_Send(&byte, 1, MPI_CHAR, 0, 0,
					 MPI_COMM_WORLD);
		}
		took[i] = (MPI_Wtime() - begin) / EACH / 2 * 1e6;
	}
	qsort(took, ROUNDS, sizeof(took[0]), compare);
	if (!rank)
		printf("%.3f\n", took[ROUNDS / 2]);
	return MPI_Finalize();
}
