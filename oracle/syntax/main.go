package main

func main() { printUnicode() }
