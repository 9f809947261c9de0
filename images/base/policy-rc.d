#!/bin/sh
# 101: the action is forbidden by policy.
exit 101
