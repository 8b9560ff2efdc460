// The program of the image of critest's specs of no_new_privs: says as whom it runs.
package main

import (
	"fmt"
	"os"
)

func main() { fmt.Printf("Effective uid: %d\n", os.Geteuid()) }
