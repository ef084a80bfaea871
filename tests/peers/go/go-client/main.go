// go-client prints what Go's own resolver makes of a name, one line a result, in its order.
//
//	go-client ip|ip4|ip6 NAME
//	go-client srv SERVICE PROTOCOL NAME
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(words []string) error {
	if len(words) < 2 {
		return fmt.Errorf("usage: go-client ip|ip4|ip6 NAME, or srv SERVICE PROTOCOL NAME")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	resolver := net.Resolver{PreferGo: true}
	if words[0] == "srv" && len(words) == 4 {
		_, records, err := resolver.LookupSRV(ctx, words[1], words[2], words[3])
		for _, record := range records {
			fmt.Println(record.Priority, record.Port, record.Target)
		}
		return err
	}
	addresses, err := resolver.LookupNetIP(ctx, words[0], words[1])
	for _, address := range addresses {
		fmt.Println(address.Unmap())
	}
	return err
}
