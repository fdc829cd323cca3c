package com.cloudbees.groovy.cps

import java.lang.annotation.Retention
import java.lang.annotation.RetentionPolicy

/** A method that Jenkins runs in one go: no step may be called in it. */
@Retention(RetentionPolicy.RUNTIME)
@interface NonCPS {
}
