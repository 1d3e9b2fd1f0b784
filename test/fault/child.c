// The program that numbered-execs runs: does nothing, as fast as can be.
int main(void) { return 0; }
