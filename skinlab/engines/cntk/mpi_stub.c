/*
 * Stand-in for OpenMPI 1.10, so that CNTK 2.7 loads where no MPI is installed. It serves a single process only.
 *
 * CNTK's libraries are linked against libmpi.so.12 and libmpi_cxx.so.1; this file is compiled once and found under
 * both names. It defines what the dynamic linker binds while it loads the libraries: addresses of data, and functions
 * whose addresses stand in virtual tables. All other MPI functions are bound lazily (the worker sets RTLD_LAZY before
 * `import cntk`) and are never called outside distributed training; a call of one would end the process with
 * "undefined symbol: MPI_...".
 */

/*
 * Handles: MPI_CHAR, MPI_COMM_WORLD and so on are macros for the addresses of these objects. CNTK takes the addresses
 * and never looks inside without MPI_Init. The size is larger than any of OpenMPI's structures.
 */
#define HANDLE(name) char name[1024];

HANDLE(ompi_mpi_char)          /* MPI_CHAR */
HANDLE(ompi_mpi_int)           /* MPI_INT */
HANDLE(ompi_mpi_long_long_int) /* MPI_LONG_LONG_INT */
HANDLE(ompi_mpi_float)         /* MPI_FLOAT */
HANDLE(ompi_mpi_double)        /* MPI_DOUBLE */
HANDLE(ompi_mpi_op_sum)        /* MPI_SUM */
HANDLE(ompi_mpi_comm_null)     /* MPI_COMM_NULL */
HANDLE(ompi_mpi_comm_world)    /* MPI_COMM_WORLD */

/* Functions whose addresses the MPI C++ classes inside CNTK's libraries hold; never called in a single process. */
#define EMPTY(name) void name(void) {}

EMPTY(ompi_mpi_cxx_op_intercept)   /* trampoline of user-defined reductions */
EMPTY(ompi_op_set_cxx_callback)    /* registers such a reduction */
EMPTY(_ZN3MPI4CommC1Ev)            /* MPI::Comm::Comm(), complete object */
EMPTY(_ZN3MPI4CommC2Ev)            /* MPI::Comm::Comm(), base object */
EMPTY(_ZN3MPI3Win4FreeEv)          /* MPI::Win::Free(), in the virtual table of MPI::Win */
EMPTY(_ZN3MPI8Datatype4FreeEv)     /* MPI::Datatype::Free(), in the virtual table of MPI::Datatype */
