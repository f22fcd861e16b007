// Hello greets whoever is named.
package main

import (
	"fmt"
	"os"

	"example.com/hello/greet"
)

func main() { fmt.Println(greet.All(os.Args[1:])) }
